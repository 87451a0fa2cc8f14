// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// A tcpdump beside the agent: the independent witness.
struct Recorder {
    let file: URL
    private let child: ChildProcess

    /// Starts recording.
    ///
    /// `any` records all interfaces with their direction (SLL2).
    init(in namespace: Namespace, interface: String) throws {
        file = namespace.scratch.file("\(namespace.role).pcap")
        // Without immediate mode, tcpdump loses the block that the kernel has not handed over when it is stopped. The
        // buffer has room for as many packets as it has snapshot lengths: with the defaults that is eight.
        child = try namespace.start([
            "tcpdump", "-i", interface, "--immediate-mode", "-U", "-s", "2048", "-B", "16384", "-w", file.path,
        ])
        try child.waitForStandardError("listening on", timeout: 10)
    }

    /// Stops recording once the file has been quiet for a moment; the file is then complete.
    func stop() throws {
        var size = -1
        _ = waited(atMost: 5) { () -> Bool? in
            usleep(200_000)
            let now = (try? file.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? 0
            defer { size = now }
            return now == size ? true : nil
        }
        child.send(SIGINT)
        _ = try child.wait(timeout: 10)
        let report = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
        guard report.contains("\n0 packets dropped by kernel") else {
            throw LabError("tcpdump: \(report)")
        }
    }

    /// Returns tcpdump's text of the file, a line or two for each packet.
    func text(in namespace: Namespace, filter: String) throws -> String {
        try namespace.run(["tcpdump", "-n", "-v", "-r", file.path, filter]).standardOutput
    }

    /// Returns the findings of `rstwho read` in the file.
    func findings(in namespace: Namespace) throws -> [ReportedFinding] {
        try Self.findings(in: file)
    }

    /// Returns the findings of `rstwho read` in a capture.
    static func findings(in capture: URL) throws -> [ReportedFinding] {
        try reading(of: capture).findings
    }

    /// Returns the findings of `rstwho read` in a capture, and its exit status: 0 or 1.
    static func reading(of capture: URL) throws -> (findings: [ReportedFinding], status: Int32) {
        let scratch = try Scratch()
        let child = try ChildProcess(
            [Requirements.built("rstwho"), "read", "--format", "json", capture.path],
            standardOutput: scratch.file("out"), standardError: scratch.file("err"))
        let status = try child.wait(timeout: 30)
        guard status <= 1 else {
            let message = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
            throw LabError("read ended with status \(status): \(message)")
        }
        return (try ReportedFinding.lines(try Data(contentsOf: child.standardOutput)), status)
    }
}
