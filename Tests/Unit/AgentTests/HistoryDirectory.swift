// SPDX-License-Identifier: Apache-2.0
import Agent
import FoundationEssentials
import Glibc
import Synchronization

/// A state directory for the time of a test, and the warnings that histories in it give.
final class HistoryDirectory: Sendable {
    let path: String
    let warnings = Mutex<[String]>([])

    init() {
        path = "\(FileManager.default.temporaryDirectory.path)/rstwho-history-\(UUID().uuidString)"
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    var database: String { "\(path)/history.sqlite" }
    var told: [String] { warnings.withLock { $0 } }

    func history(_ change: (inout HistoryOptions) -> Void = { _ in }) -> History {
        var options = HistoryOptions(directory: path)
        change(&options)
        return History(options) { text in self.warnings.withLock { $0.append(text) } }
    }

    /// Puts bytes where the database is to be.
    func write(_ bytes: [UInt8]) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: database))
    }

    /// Everything that its files hold, as text.
    func contents() throws -> String {
        try files.map { String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\($0)")), as: UTF8.self) }.joined()
    }

    var files: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// ns since 1970, as the system has it.
func systemTime() -> UInt64 { UInt64(Date().timeIntervalSince1970 * 1e9) }
