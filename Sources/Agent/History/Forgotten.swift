// SPDX-License-Identifier: Apache-2.0

/// The items that `rstwho forget` removed.
package struct Forgotten: Sendable, Equatable {
    package var findings = 0
    package var hosts = 0
    /// Devices whose lists of hosts had to be shortened, or that went with them.
    package var origins = 0
    package var paths = 0
    package var evidenceFiles = 0
    /// Records that waited in the fleet's spool.
    package var fleetRecords = 0
    /// A damaged history, which cannot be searched and was removed as a whole.
    package var hadDamaged = false

    package init() {}

    /// `12 findings, 3 hosts, …`.
    package var text: String {
        let parts = [
            Self.count(findings, "finding"), Self.count(hosts, "host"),
            Self.count(origins, "device's list", "devices' lists"),
            Self.count(paths, "path"), Self.count(evidenceFiles, "evidence file"),
            fleetRecords > 0 ? Self.count(fleetRecords, "record of the fleet", "records of the fleet") : nil,
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
            + (hadDamaged ? ", and the damaged history that was set aside" : "")
    }

    private static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
        number == 1 ? "1 \(one)" : "\(number) \(many ?? one + "s")"
    }
}
