// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Reporting

@Suite("Sentences")
struct SentencesTests {
    /// Every sender with every cause that it can have, at the stage where it happens.
    private static let cases: [(Finding.Sender, Finding.Cause, Finding.Stage)] = [
        (.middlebox, .rejected, .syn), (.middlebox, .rejected, .handshake), (.middlebox, .rejected, .data),
        (.middlebox, .idleTimeout, .idle), (.middlebox, .injected, .data), (.middlebox, .unknown, .data),
        (.middlebox, .unknown, .afterClose), (.thisMachine, .rejected, .syn), (.thisMachine, .untranslated, .data),
        (.thisMachine, .unknown, .none), (.host, .portClosed, .syn), (.host, .aborted, .data),
        (.host, .lateData, .afterClose),
        (.host, .keepaliveRace, .afterClose), (.host, .halfOpenCheck, .handshake), (.host, .backscatter, .none),
        (.host, .unknown, .idle), (.hostKernel, .portClosed, .syn), (.hostKernel, .lateData, .afterClose),
        (.hostApplication, .aborted, .data), (.hostFirewall, .rejected, .syn), (.undetermined, .unknown, .syn),
        (.undetermined, .unknown, .none),
    ]

    private func finding(
        _ sender: Finding.Sender, _ cause: Finding.Cause, _ stage: Finding.Stage
    ) throws -> Finding {
        var finding = try sampleFinding(sender: sender, cause: cause)
        finding.reset?.stage = stage
        finding.reset?.hop = sender == .thisMachine ? 0 : sender == .middlebox ? 2 : 4
        finding.reset?.hostHop = sender == .undetermined ? nil : 4
        finding.reset?.hostSamples = 4
        if stage == .idle { finding.reset?.idleSeconds = 350.2 }
        return finding
    }

    @Test("Every sender with every cause")
    func all() throws {
        var text = ""
        for (sender, cause, stage) in Self.cases {
            let finding = try finding(sender, cause, stage)
            text +=
                "\(sender.rawValue) \(cause.rawValue) \(stage.rawValue)\n  \(finding.summary)\n  \(finding.advice)\n"
        }
        try expectGolden(text, "sentences")
    }

    @Test("What is uncertain is said, what is not is left out")
    func caveats() throws {
        var finding = try finding(.host, .portClosed, .syn)
        #expect(!finding.summary.contains("one host in ten"))
        finding.evidence = [Evidence(name: "ttl_host", weight: -2, text: "")]
        #expect(finding.summary.hasSuffix("Only its distance says so, which one host in ten shares."))
        finding.evidence.append(Evidence(name: "ip_id_continues", weight: -3, text: ""))
        #expect(!finding.summary.contains("one host in ten"))

        finding = try self.finding(.middlebox, .injected, .data)
        finding.evidence = [
            Evidence(name: "ttl_flow", weight: -3, text: ""),
            Evidence(name: "data_after_reset", weight: 5, text: "the host sent on"),
        ]
        #expect(finding.summary.contains("It was injected: the host sent on."))
        #expect(finding.summary.hasSuffix("From which hop is not known: the device copies the host's TTL."))
    }

    @Test("An idle timeout names the timers that it matches, and the device's own where it was learned")
    func timers() throws {
        var finding = try finding(.middlebox, .idleTimeout, .idle)
        #expect(finding.summary.contains("AWS Network Load Balancer or AWS NAT gateway"))
        finding.reset?.idleSeconds = 100
        #expect(finding.summary.contains("That is how an idle timeout looks."))
        finding.reset?.originIdleTimer = 100
        #expect(finding.summary.contains("about 100 s of silence"))
    }

    @Test(
        "Ordinals",
        arguments: [
            (1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (113, "113th"),
        ]
    )
    func ordinals(number: Int, text: String) {
        #expect(ordinal(number) == text)
    }
}
