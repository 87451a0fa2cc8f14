// SPDX-License-Identifier: Apache-2.0
import Capture
import Diagnosis
import Fixtures
import Foundation
import Packets
import Testing

/// Resets of real captures whose senders experts have read by hand, frame by frame.
private struct Truth: Sendable, CustomTestStringConvertible {
    var file: String
    var frame: UInt64
    var sender: String

    var testDescription: String { "\(file) \(frame)" }

    /// `resets.tsv`: a line per reset, columns by name.
    static let all: [Truth] = {
        guard
            let table = try? String(contentsOfFile: SharedCaptures.directory + "/resets.tsv", encoding: .utf8)
        else { return [] }
        let lines = table.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
        guard let names = lines.first, let file = names.firstIndex(of: "file"),
            let frame = names.firstIndex(of: "frame"), let sender = names.firstIndex(of: "sender")
        else { return [] }
        return lines.dropFirst().compactMap { fields in
            guard fields.count > max(file, frame, sender), let number = UInt64(fields[frame]) else { return nil }
            return Truth(file: String(fields[file]), frame: number, sender: String(fields[sender]))
        }
    }()

    static let files = Set(all.map(\.file)).sorted()

    /// Returns whether a verdict is acceptable.
    ///
    /// The table's resets by a NAT on the capturing machine share their host's distance: to leave them undecided is
    /// right, too, and so it is for those without any baseline, which another sign may decide.
    func allows(_ verdict: Finding.Sender) -> Bool {
        let isHosts = [.host, .hostApplication, .hostKernel, .hostFirewall].contains(verdict)
        switch sender {
        case "host": return isHosts
        case "middlebox":
            return verdict == .middlebox || (file.hasPrefix("hypervisor-") && verdict == .undetermined)
        case "undetermined":
            return verdict == .undetermined || (file.hasPrefix("hypervisor-") && verdict == .middlebox)
        default: return true
        }
    }
}

@Suite(
    "Verdicts on real captures",
    .enabled(if: SharedCaptures.areHere, "the shared captures are not here (RSTWHO_CAPTURES)"))
struct TruthTests {
    private static func findings(_ name: String) throws -> [Finding] {
        var engine = Engine()
        var findings: [Finding] = []
        var file = try CaptureFile.open(.path(SharedCaptures.directory + "/" + name))
        engine.begin(file: nil, isLive: false)
        if file.format == .text {
            var text = PacketText(file)
            try text.read { batch in
                engine.observe(batch.packets, upTo: batch.watermark)
                findings += engine.takeFindings()
            }
        } else {
            try file.read { batch in
                engine.observe(batch.packets, upTo: batch.watermark)
                findings += engine.takeFindings()
            }
        }
        engine.finish()
        return (findings + engine.takeFindings()).filter { $0.kind == .reset }
    }

    @Test("Every reset of the table has the sender that the table says", arguments: Truth.files)
    func table(file: String) throws {
        let verdicts = Dictionary(
            try Self.findings(file).compactMap { finding in finding.frame.map { ($0, finding) } },
            uniquingKeysWith: { _, later in later })
        for truth in Truth.all where truth.file == file {
            let verdict = try #require(verdicts[truth.frame], "\(truth) has no finding")
            #expect(
                verdict.reset.map { truth.allows($0.sender) } == true,
                "\(truth) is \(truth.sender)'s, found \(String(describing: verdict.reset?.sender)): \(verdict.evidence.map(\.name))"
            )
        }
        #expect(verdicts.count == Truth.all.count { $0.file == file })
    }

    @Test(
        "Where every reset is the host's own, nobody else is accused",
        arguments: [
            "data-after-reset-scanner.pcap", "genuine-mixed-lan-vlan.pcap", "genuine-rtsp-sll.pcap",
            "genuine-smb.pcap", "genuine-web-dual-stack.pcap", "server-evasion-equal-ttl.pcap",
        ])
    func genuine(file: String) throws {
        let findings = try Self.findings(file)
        #expect(!findings.isEmpty)
        for finding in findings {
            #expect(
                finding.reset?.sender.isForeign == false,
                "frame \(finding.frame ?? 0) is the host's: \(finding.evidence.map(\.name))")
        }
    }

    @Test("The first founding case: three resets by a device at hop 2 in the name of a host at hop 4")
    func foundingCase() throws {
        let findings = try Self.findings("ssh-refused.txt")
        #expect(findings.map(\.reset?.sender) == [.middlebox, .middlebox, .middlebox])
        #expect(findings.map(\.reset?.hop) == [2, 2, 2])
        #expect(findings.map(\.reset?.hostHop) == [4, 4, 4])
    }
}
