// SPDX-License-Identifier: Apache-2.0
import Diagnosis
@testable import Explanation
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
        (.host, .keepaliveRace, .afterClose), (.host, .halfOpenCheck, .handshake),
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
        #expect(finding.summary.hasSuffix("Weak: only the hop count fits, and about one host in ten fits by chance."))
        finding.evidence.append(Evidence(name: "ip_id_continues", weight: -3, text: ""))
        #expect(!finding.summary.contains("one host in ten"))

        finding = try self.finding(.middlebox, .injected, .data)
        finding.evidence = [
            Evidence(name: "ttl_flow", weight: -3, text: ""),
            Evidence(name: "data_after_reset", weight: 5, text: "the host sent on"),
        ]
        #expect(finding.summary.contains("The reset was injected: the host sent on."))
        #expect(finding.summary.hasSuffix("The device copies the host's TTL, so its hop is unknown."))
    }

    @Test("An idle timeout names the timers that it matches, and the device's own where it was learned")
    func timers() throws {
        var finding = try finding(.middlebox, .idleTimeout, .idle)
        #expect(finding.summary.contains("AWS Network Load Balancer or AWS NAT gateway"))
        finding.reset?.idleSeconds = 100
        #expect(finding.summary.contains("Most likely an idle timeout of that device ended it."))
        finding.reset?.originIdleTimer = 100
        #expect(finding.summary.contains("about 100 s of silence"))
    }

    @Test(
        "A probability in words",
        arguments: [(0.999, "almost certain"), (0.95, "very likely"), (0.8, "likely"), (0.5, "undecided")])
    func certainty(probability: Double, words: String) {
        #expect(Certainty.words(probability) == words)
    }

    @Test("A device's name with a full stop stays whole in every sentence")
    func fullStops() throws {
        var finding = try finding(.middlebox, .rejected, .syn)
        finding.confidence = 0.98
        finding.reset?.originAddress = IPAddress("10.2.0.2")
        finding.device = KnownDevice(name: "core. fw1")
        finding.places.addresses[finding.fiveTuple.source] = KnownDevice(name: "bldg. 4 web")
        var knowledge = Knowledge()
        knowledge.findings = [finding]
        let answer =
            "A device at hop 2 (core. fw1, 10.2.0.2) sent this reset, not bldg. 4 web (10.4.0.2) (hop 4): very likely."
        let explanation = Explanation(.address(finding.fiveTuple.source), knowledge)
        #expect(explanation.answer == answer)
        #expect(explanation.details.first == "A connection to tcp/22 was refused.")
        // What an agent reported keeps its first sentence as well.
        let read = try #require(JSONLines.decode(JSONLines.line(finding)))
        #expect(read.story.answer == answer)
        #expect(read.summary == finding.summary)
        // A finding of an older version has no headline: all its sentences are the answer.
        let old = JSONLines.line(finding).replacing("\"headline\"", with: "\"unknown\"")
        #expect(try #require(JSONLines.decode(old)).story.answer == finding.summary)
    }

    @Test("A message states observations and asks; it accuses nobody and covers no certainty", arguments: cases.indices)
    func messages(index: Int) throws {
        let (sender, cause, stage) = Self.cases[index]
        var finding = try finding(sender, cause, stage)
        finding.confidence = 0.98
        finding.time = 1_700_000_000_000_000_000
        var knowledge = Knowledge()
        knowledge.findings = [finding]
        let explanation = Explanation(.address(finding.fiveTuple.source), knowledge)
        for word in ["your device", "Your device", "forged", "injected", "%", "tunnel", "ncryption"] {
            #expect(explanation.message?.text.contains(word) != true)
            #expect(!explanation.action.contains(word))
        }
        #expect((explanation.message != nil) == (finding.needsAction && sender != .undetermined))
        if let message = explanation.message { #expect(message.text.contains(" UTC")) }
    }
}
