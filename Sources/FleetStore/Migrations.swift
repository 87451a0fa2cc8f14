// SPDX-License-Identifier: Apache-2.0
internal import CFleetSQL

/// The numbered migrations that the program holds.
package struct Migration: Sendable, Equatable {
    package var version: Int
    /// The name of its file, such as `0001_tables`.
    package var name: String
    package var text: String

    /// All in their order.
    package static let all: [Migration] = {
        var migrations: [Migration] = []
        while true {
            let next = rstwho_fleet_migration(migrations.count)
            guard let name = next.name, let text = next.text else { return migrations }
            migrations.append(
                Migration(
                    version: migrations.count + 1, name: String(cString: name),
                    text: String(decoding: UnsafeBufferPointer(start: text, count: next.size), as: UTF8.self)))
        }
    }()

    /// The newest version.
    package static var newest: Int { all.last?.version ?? 0 }
}
