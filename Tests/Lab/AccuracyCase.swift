// SPDX-License-Identifier: Apache-2.0
import Foundation

/// One reset whose sender is known, and what was said of it.
struct AccuracyCase: Sendable {
    /// A row of the matrix, or the name of a capture.
    var scenario: String
    /// `nil` for a capture.
    var version: Int?
    /// `host_application`, `host_kernel`, `host_firewall`, `host` where the part is not known, `device`, or `unknown`
    /// where no expert could say it.
    var truth: String
    var verdict: String
    var cause: String
    var confidence: Double?
    var outcome: MatrixRow.Outcome
    var byFlow: PlainRules.Verdict
    var byHost: PlainRules.Verdict
    /// Why nothing can be known, where that is so.
    var reason: String?

    /// Returns the result of a plain rule's verdict against the truth; `nil` if there is no truth.
    func outcome(of rule: PlainRules.Verdict) -> MatrixRow.Outcome? {
        switch (truth, rule) {
        case ("unknown", _): nil
        case (_, .silent): .abstained
        case ("device", .device): .right
        case ("device", .host): .missed
        case (_, .host): .right
        case (_, .device): .falseAccusation
        }
    }
}

extension AccuracyCase {
    /// Returns the cases of the lab's rows, from the capture of the interface; the matrix asserts that live findings
    /// are equal.
    static func of(_ run: MatrixRun, rules: PlainRules) -> [AccuracyCase] {
        run.group.rows.flatMap { row in
            run.played.filter { $0.row == row.name }.flatMap { played in
                let resets = played.ofServer(run.plainFile)
                return resets.compactMap { reset -> AccuracyCase? in
                    guard let sender = row.truth(of: reset, among: resets, played) else { return nil }
                    let frame = reset.frame ?? 0
                    let verdict = reset.sender ?? "-"
                    return AccuracyCase(
                        scenario: row.name, version: played.version, truth: sender.isHost ? sender.name : "device",
                        verdict: verdict, cause: reset.cause ?? "-", confidence: reset.confidence,
                        outcome: MatrixRow.outcome(of: verdict, truth: sender),
                        byFlow: rules.byFlow[frame] ?? .silent, byHost: rules.byHost[frame] ?? .silent,
                        reason: row.undecidable.contains(played.version) ? row.reason : nil)
                }
            }
        }
    }

    /// Captures without forged resets.
    private static let genuine = [
        "data-after-reset-scanner.pcap", "genuine-mixed-lan-vlan.pcap", "genuine-rtsp-sll.pcap", "genuine-smb.pcap",
        "genuine-web-dual-stack.pcap", "server-evasion-equal-ttl.pcap",
    ]

    /// Returns the cases of captures whose resets were read by hand (`resets.tsv`), and of those in which every reset
    /// is the host's.
    static func ofCaptures(in directory: URL) throws -> [AccuracyCase] {
        let table = try String(contentsOf: directory.appending(path: "resets.tsv"), encoding: .utf8)
        var truths: [String: [Int: String]] = [:]
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count >= 6, let frame = Int(fields[1]) else { throw LabError("resets.tsv: \(line)") }
            truths[fields[0], default: [:]][frame] = fields[5]
        }
        for file in genuine { truths[file] = [:] }
        return try truths.sorted { $0.key < $1.key }.flatMap { file, table in
            let capture = directory.appending(path: file)
            let rules = try PlainRules(capture: capture)
            let resets = try Recorder.findings(in: capture).filter { $0.kind == "reset" }
            let byFrame = Dictionary(resets.map { ($0.frame ?? 0, $0) }, uniquingKeysWith: { $1 })
            let truths = genuine.contains(file) ? byFrame.mapValues { _ in "host" } : table
            return truths.sorted { $0.key < $1.key }.filter { $0.value != "unscored" }.map { frame, truth in
                let verdict = byFrame[frame]?.sender ?? "-"
                return AccuracyCase(
                    scenario: file, version: nil,
                    truth: ["middlebox": "device", "undetermined": "unknown"][truth] ?? truth, verdict: verdict,
                    cause: byFrame[frame]?.cause ?? "-", confidence: byFrame[frame]?.confidence,
                    outcome: outcome(of: verdict, truth: truth, file: file), byFlow: rules.byFlow[frame] ?? .silent,
                    byHost: rules.byHost[frame] ?? .silent,
                    reason: truth == "undetermined" ? "the source sends nothing but resets" : nil)
            }
        }
    }

    /// A capture's truth names no part of the host.
    ///
    /// Of what no expert could say, `undetermined` is right; so is the NAT whose one counter numbers the packets of
    /// many hosts.
    private static func outcome(of verdict: String, truth: String, file: String) -> MatrixRow.Outcome {
        switch truth {
        case "host" where verdict.hasPrefix("host"): .right
        case "host": MatrixRow.outcome(of: verdict, truth: .kernel)
        case "middlebox": MatrixRow.outcome(of: verdict, truth: .device(hop: nil))
        default:
            switch verdict {
            case "undetermined": .right
            case "middlebox": file.hasPrefix("hypervisor-") ? .right : .falseAccusation
            default: .missed
            }
        }
    }
}
