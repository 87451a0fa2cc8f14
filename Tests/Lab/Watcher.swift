// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// A `rstwho watch` in one of the lab's machines.
struct Watcher {
    /// The hook that the watcher attaches to.
    enum Hook: String, CaseIterable, CustomStringConvertible, Sendable {
        case tc
        case xdp

        var description: String { rawValue }
    }

    /// The address of its HTTP server, inside its namespace.
    static let httpAddress = "127.0.0.1:9742"

    private let namespace: Namespace
    private let child: ChildProcess

    /// Starts watching and returns once the first packet would be seen.
    init(
        in namespace: Namespace, interfaces: [String], hook: Hook, http: Bool = false, tap: Bool = false,
        isGrouped: Bool = false, state: String? = nil, diskKilobytes: Int? = nil, preloading library: String? = nil,
        options: [String] = [], environment: [String: String] = [:]
    ) throws {
        self.namespace = namespace
        let server = http ? ["--http", Self.httpAddress] : ["--no-http"]
        // `ip netns exec` gives it mounts of its own.
        let disk = try diskKilobytes.map { size in
            let directory = state ?? ""
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            return ["sh", "-c", "mount -t tmpfs -o size=\(size)k tmpfs \(directory) && exec \"$@\"", "sh"]
        }
        let variables = environment.map { "\($0.key)=\($0.value)" } + (library.map { ["LD_PRELOAD=\($0)"] } ?? [])
        let preload = variables.isEmpty ? [] : ["env"] + variables
        child = try namespace.start(
            (disk ?? []) + preload + [Requirements.built("rstwho"), "watch"] + interfaces
                + ["--hook", hook.rawValue, "--format", "json"] + server + (tap ? ["--tap"] : [])
                + (isGrouped ? [] : ["--no-group"]) + (state.map { ["--state", $0] } ?? []) + options)
        try child.waitForStandardError("ready:", timeout: 20)
    }

    var pid: pid_t { child.pid }

    /// The standard error so far.
    var standardError: String {
        get throws { String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self) }
    }

    /// Ends it as nobody should.
    func kill() throws {
        child.send(SIGKILL)
        _ = try? child.wait(timeout: 5)
    }

    /// Returns the findings printed so far.
    func findings() throws -> [ReportedFinding] {
        try ReportedFinding.complete(in: child.standardOutput)
    }

    /// Waits until `answer` finds what it looks for among the findings.
    func wait<Answer>(atMost seconds: Double, for answer: ([ReportedFinding]) -> Answer?) throws -> Answer? {
        try waited(atMost: seconds) { answer(try findings()) }
    }

    /// Waits for `count` resets that are settled, for as long as settling can take.
    func waitForResets(_ count: Int) throws {
        _ = try wait(atMost: 6) { $0.filter { $0.kind == "reset" }.count >= count ? true : nil }
    }

    /// Ends it as Ctrl-C does or by another signal, and returns all that it printed.
    ///
    /// Throws `LabError` if it does not end well.
    func stop(by signal: Int32 = SIGINT) throws -> [ReportedFinding] {
        child.send(signal)
        let status = try child.wait(timeout: 15)
        guard status == 0 else {
            let message = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
            throw LabError("watch ended with status \(status): \(message)")
        }
        return try ReportedFinding.lines(try Data(contentsOf: child.standardOutput))
    }

    /// Returns the findings printed so far, with contract fields beyond those of `ReportedFinding`.
    func decoded<Fields: Decodable>(_ type: Fields.Type) throws -> [Fields] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try Data(contentsOf: child.standardOutput).split(separator: UInt8(ascii: "\n"))
            .map { try decoder.decode(type, from: $0) }
    }

    /// GETs a path of its HTTP server.
    func get(_ path: String) throws -> Data {
        let output = try namespace.run([
            "curl", "-sS", "--fail", "--max-time", "10", "http://\(Self.httpAddress)\(path)",
        ])
        guard output.status == 0 else {
            throw LabError("GET \(path): \(output.standardError)")
        }
        return Data(output.standardOutput.utf8)
    }
}
