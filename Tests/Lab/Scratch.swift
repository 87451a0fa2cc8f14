// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization

/// A directory of this run's own files, removed when the last reference goes.
final class Scratch: Sendable {
    /// Counts what this run has made, so that every name occurs once.
    private static let counter = Atomic<Int>(0)

    let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: Self.uniqueName())
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    /// `rstwho-lab-PID-N`: who made it is told by its name, so that what a dead run left can be recognised.
    static func uniqueName() -> String {
        "rstwho-lab-\(getpid())-\(counter.add(1, ordering: .relaxed).newValue)"
    }

    /// A path that was not given before.
    func file(_ suffix: String) -> URL {
        directory.appending(path: "\(Self.counter.add(1, ordering: .relaxed).newValue)-\(suffix)")
    }
}
