// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The output of `rstwho explain --format json`.
struct ReportedExplanation: Decodable {
    struct Hypothesis: Decodable {
        let name: String
        let state: String
    }

    let answer: String
    let action: String?
    /// The id of the finding that the answer rests on.
    let finding: String?
    let hypotheses: [Hypothesis]
    let findings: [ReportedFinding]

    /// Returns the explanation of a connection from a capture, and the exit status: 0 or 1.
    static func of(_ what: String, in capture: URL) throws -> (explanation: ReportedExplanation, status: Int32) {
        let scratch = try Scratch()
        let child = try ChildProcess(
            [Requirements.built("rstwho"), "explain", "--format", "json", "--from", capture.path, what],
            standardOutput: scratch.file("out"), standardError: scratch.file("err"))
        let status = try child.wait(timeout: 30)
        guard status <= 1 else {
            let message = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
            throw LabError("explain \(what) ended with status \(status): \(message)")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return (try decoder.decode(Self.self, from: try Data(contentsOf: child.standardOutput)), status)
    }

    /// The finding that the answer rests on.
    var lead: ReportedFinding? { findings.first { $0.id == finding } }

    /// A connection as different tools print it.
    static func forms(_ reset: ReportedFinding) -> [String] {
        let isVersion4 = !reset.src.contains(":")
        let (source, destination) = isVersion4 ? (reset.src, reset.dst) : ("[\(reset.src)]", "[\(reset.dst)]")
        return [
            "\(source):\(reset.srcPort) > \(destination):\(reset.dstPort)",
            "IP \(reset.src).\(reset.srcPort) > \(reset.dst).\(reset.dstPort): Flags [R.], seq 0",
            "ESTAB 0 0 \(destination):\(reset.dstPort) \(source):\(reset.srcPort)",
            "tcp 6 9 CLOSE src=\(reset.dst) dst=\(reset.src) sport=\(reset.dstPort) dport=\(reset.srcPort)",
        ]
    }
}
