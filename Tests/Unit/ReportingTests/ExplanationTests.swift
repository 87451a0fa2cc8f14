// SPDX-License-Identifier: Apache-2.0
import Diagnosis
@testable import Explanation
import Packets
import Testing

@testable import Reporting

@Suite("Explanations")
struct ExplanationTests {
    private static let start: UInt64 = 1_767_225_600_000_000_000

    private func reset(
        _ sender: Finding.Sender, _ cause: Finding.Cause, hop: Int, hostHop: Int?, confidence: Double? = 0.98,
        evidence: [Evidence], id: String = "01JABCDEFGHJKMNPQRSTVWXYZ0", after seconds: UInt64 = 0
    ) throws -> Finding {
        var finding = try sampleFinding(id: id, sender: sender, cause: cause)
        var reset = try #require(finding.reset)
        (reset.hop, reset.hostHop, reset.hostSamples) = (hop, hostHop, hostHop == nil ? nil : 4)
        reset.origin = sender == .middlebox ? "o-1" : nil
        finding.reset = reset
        finding.time = Self.start + seconds * 1_000_000_000
        finding.confidence = confidence
        finding.evidence = evidence
        finding.vantage = Finding.Vantage(host: "fw1", interface: "eth0")
        return finding
    }

    private func knowledge(_ findings: [Finding]) throws -> Knowledge {
        var knowledge = Knowledge()
        knowledge.findings = findings
        var host = HostSummary(
            address: try #require(IPAddress("10.4.0.2")), firstSeen: Self.start - 60_000_000_000, lastSeen: Self.start)
        (host.hop, host.ttl, host.initialTTL) = (4, 61, 64)
        host.samples = [(.echo, 4), (.tcp, 0), (.udp, 0), (.unproven, 1)]
        var origin = Origin(
            id: "o-1", isThisMachine: false, hop: 2, initialTTL: 64, hasWindow: false, interface: "eth0",
            nextHopMAC: nil)
        origin.address = IPAddress("10.2.0.2")
        origin.hosts = [host.address]
        origin.resets = 3
        knowledge.take(hosts: [host], origins: [origin], paths: [], for: .address(host.address))
        return knowledge
    }

    private var distance: Evidence {
        Evidence(
            name: "ttl_host", weight: 4, observed: "63 (64-1)", expected: "61 (64-3), 4 samples",
            text: "its distance is not the host's")
    }

    private func explained(_ what: String, _ findings: [Finding]) throws -> Explanation {
        Explanation(try Question(parsing: what), try knowledge(findings))
    }

    @Test func aDeviceOnThePath() throws {
        let finding = try reset(.middlebox, .rejected, hop: 2, hostHop: 4, evidence: [distance])
        try expectGolden(
            try explained("10.1.0.1:50992 > 10.4.0.2:22", [finding]).text(style: TableStyle(width: 100)),
            "explain-device")
    }

    @Test func aHostWhosePartIsNotDecidable() throws {
        let near = Evidence(
            name: "ttl_host", weight: -2, observed: "61 (64-3)", expected: "61 (64-3), 4 samples",
            text: "its distance is the host's")
        let finding = try reset(.host, .portClosed, hop: 4, hostHop: 4, confidence: 0.96, evidence: [near])
        try expectGolden(try explained("10.4.0.2:22", [finding]).text(style: TableStyle(width: 100)), "explain-host")
    }

    @Test func aSenderThatIsNotKnown() throws {
        let note = Evidence(name: "no_baseline", weight: 0, text: "how far 10.4.0.2 is away has not been seen")
        let finding = try reset(.undetermined, .unknown, hop: 2, hostHop: nil, confidence: nil, evidence: [note])
        try expectGolden(try explained("10.4.0.2", [finding]).text(style: TableStyle(width: 100)), "explain-unknown")
    }

    @Test func machinesReadTheSame() throws {
        let finding = try reset(.middlebox, .rejected, hop: 2, hostHop: 4, evidence: [distance])
        let explanation = try explained("10.1.0.1:50992 > 10.4.0.2:22", [finding])
        try expectGolden(explanation.line, "explain-json")
        // What an agent sends explains the same.
        let read = try #require(Knowledge(decoding: Array(explanation.line.utf8)))
        let again = Explanation(explanation.question, read)
        #expect(again.text() == explanation.text())
        #expect(Knowledge(decoding: Array("{}".utf8)) == nil)
    }

    @Test func ofSeveralFindingsTheTroubleLeads() throws {
        let device = try reset(.middlebox, .rejected, hop: 2, hostHop: 4, evidence: [distance], after: 1)
        let host = try reset(
            .hostKernel, .portClosed, hop: 4, hostHop: 4, evidence: [], id: "01JABCDEFGHJKMNPQRSTVWXYZ1", after: 9)
        let explanation = try explained("10.4.0.2", [host, device])
        #expect(explanation.lead?.id == device.id)
        #expect(explanation.answer.contains("device at hop 2"))
        #expect(explanation.details.last == "2 resets in all: 1 by devices on the path, 1 by the host itself.")
        #expect(explanation.timeline.map(\.id) == [device.id, host.id])
        // Also where the first was told last.
        #expect(try explained("10.4.0.2", [device, host]).timeline.map(\.id) == [device.id, host.id])
    }

    @Test func anotherConnectionOfTheSameHostsHelps() throws {
        let finding = try reset(.middlebox, .rejected, hop: 2, hostHop: 4, evidence: [distance])
        let explanation = try explained("10.1.0.1:40000 > 10.4.0.2:22", [finding])
        #expect(
            explanation.answer.hasPrefix("No resets or path problems are recorded for 10.1.0.1:40000 > 10.4.0.2:22"))
        #expect(explanation.details.first == "Of other connections to this service between the two hosts:")
        #expect(explanation.action.contains("device at hop 2"))
    }

    @Test func nothingIsSaidToBeNothing() throws {
        let known = try explained("10.4.0.2", [])
        #expect(known.answer.hasSuffix("10.4.0.2 (hop 4, from 4 packets)."))
        #expect(known.path == nil)
        #expect(known.hypotheses.isEmpty)
        let unknown = Explanation(.address(try #require(IPAddress("192.0.2.1"))), Knowledge())
        #expect(unknown.answer == "Nothing is known of 192.0.2.1.")
        #expect(unknown.action.hasPrefix("If it has just happened, ask again in three seconds"))
        #expect(unknown.action.contains("sudo rstwho probe 192.0.2.1:PORT"))
    }

    @Test(arguments: [
        (Finding.Sender.middlebox, ["ruled_out", "ruled_out", "shown"]),
        (.thisMachine, ["ruled_out", "ruled_out", "shown"]),
        (.hostKernel, ["shown", "ruled_out", "ruled_out"]), (.hostFirewall, ["ruled_out", "shown", "ruled_out"]),
        (.host, ["possible", "possible", "ruled_out"]), (.undetermined, ["possible", "possible", "possible"]),
    ])
    func eachHypothesisIsJudged(sender: Finding.Sender, states: [String]) throws {
        var finding = try reset(sender, .rejected, hop: 4, hostHop: 4, evidence: [])
        let hypotheses = try explained("10.4.0.2", [finding]).hypotheses
        #expect(hypotheses.map(\.kind) == Hypothesis.Kind.allCases)
        #expect(hypotheses.map(\.state.rawValue) == states)
        #expect(hypotheses.allSatisfy { $0.state != .possible || $0.test != nil })
        // What was cut was not refused.
        var reset = try #require(finding.reset)
        reset.stage = .data
        finding.reset = reset
        #expect(try explained("10.4.0.2", [finding]).hypotheses.isEmpty)
    }

    @Test func aHostThatIsNotSureRulesNothingOut() throws {
        let finding = try reset(.host, .portClosed, hop: 4, hostHop: 4, confidence: 0.88, evidence: [])
        #expect(try explained("10.4.0.2", [finding]).hypotheses.last?.state == .possible)
    }

    @Test func troubleOfNowLeadsBeforeThatOfYesterday() throws {
        let device = try reset(.middlebox, .rejected, hop: 2, hostHop: 4, evidence: [distance])
        func stall(after seconds: UInt64) throws -> Finding {
            var finding = try reset(
                .host, .unknown, hop: 4, hostHop: 4, evidence: [], id: "01JABCDEFGHJKMNPQRSTVWXYZ1", after: seconds)
            finding.details = .path(Finding.Path(cause: .noAnswer))
            return finding
        }
        #expect(try explained("10.4.0.2", [try stall(after: 600), device]).lead?.id == device.id)
        #expect(try explained("10.4.0.2", [try stall(after: 86_400), device]).lead?.reset == nil)
        // The host's own reset is no trouble, however new it is.
        let own = try reset(.host, .portClosed, hop: 4, hostHop: 4, evidence: [], after: 86_400)
        #expect(try explained("10.4.0.2", [own, device]).lead?.reset?.sender == .middlebox)
    }

    @Test func whatIsExpectedLeadsOnlyWhereNothingElseDoes() throws {
        var balancer = try reset(.middlebox, .idleTimeout, hop: 3, hostHop: 4, evidence: [distance], after: 9)
        balancer.device = KnownDevice(name: "lb1")
        balancer.device?.isExpected = true
        let device = try reset(
            .middlebox, .rejected, hop: 2, hostHop: 4, evidence: [distance], id: "01JABCDEFGHJKMNPQRSTVWXYZ1")
        #expect(try explained("10.4.0.2", [balancer, device]).lead?.id == device.id)
        #expect(try explained("10.4.0.2", [balancer]).lead?.id == balancer.id)
    }

    @Test func whyNobodyIsNamedFitsTheEvidence() throws {
        let pro = Evidence(name: "ip_id_of_other", weight: 4, text: "another's counter")
        let contra = Evidence(name: "ttl_host", weight: -4, text: "its distance")
        func reasons(_ evidence: Evidence...) throws -> Set<String> {
            let finding = try reset(
                .undetermined, .unknown, hop: 2, hostHop: nil, confidence: nil, evidence: evidence)
            return Set(try explained("10.4.0.2", [finding]).hypotheses.map(\.reason))
        }
        #expect(try reasons(pro, contra) == ["the evidence contradicts itself"])
        #expect(try reasons(pro) == ["the distance of 10.4.0.2 is unknown"])
        #expect(
            try reasons(Evidence(name: "several_distances", weight: 0, text: "")) == [
                "several paths lead to 10.4.0.2"
            ])
        #expect(
            try reasons(Evidence(name: "flow_shed", weight: 0, text: "")) == [
                "packets of the connection were left out under load"
            ])
        // A ping tells nothing where the distance is not what is missing.
        let several = try reset(
            .undetermined, .unknown, hop: 2, hostHop: 4, confidence: nil,
            evidence: [Evidence(name: "several_distances", weight: 0, text: "")])
        #expect(try explained("10.4.0.2", [several]).settling.first?.hasPrefix("Capture near 10.4.0.2") == true)
        let unknown = try reset(.undetermined, .unknown, hop: 2, hostHop: nil, confidence: nil, evidence: [])
        #expect(try explained("10.4.0.2", [unknown]).settling.first?.hasPrefix("ping -c 4 10.4.0.2 ") == true)
        let rewritten = try reset(
            .undetermined, .unknown, hop: 1, hostHop: nil, confidence: nil,
            evidence: [Evidence(name: "ttl_rewritten", weight: 0, text: "")])
        #expect(try explained("10.4.0.2", [rewritten]).action.hasPrefix("Capture on the other side of the next hop"))
    }

    @Test func aFilterIsNoClosedPortWhoeverHasIt() throws {
        let label = Evidence(name: "flow_label_missing", weight: 0, text: "it lacks the label: a packet filter made it")
        let finding = try reset(.undetermined, .unknown, hop: 2, hostHop: nil, confidence: nil, evidence: [label])
        let hypotheses = try explained("10.4.0.2", [finding]).hypotheses
        #expect(hypotheses.map(\.state.rawValue) == ["ruled_out", "possible", "possible"])
        #expect(hypotheses.first?.reason == label.text)
    }

    @Test func whatThisMachineRefusesComesOverNoPath() throws {
        let finding = try reset(.hostKernel, .portClosed, hop: 0, hostHop: 0, evidence: [])
        let path = try explained("10.4.0.2", [finding]).hypotheses.last
        #expect(path?.reason == "10.4.0.2 is this machine, which made the reset itself")
        #expect(path?.state == .ruledOut)
    }

    /// The next steps and the addressee fit the time and the direction of the reset.
    @Test func settlingFitsTheReset() throws {
        var late = try reset(.host, .lateData, hop: 4, hostHop: 4, evidence: [])
        late.reset?.stage = .afterClose
        #expect(try explained("10.4.0.2", [late]).settling.isEmpty)
        #expect(try explained("10.4.0.2", [late]).message == nil)
        var unknown = try reset(.host, .unknown, hop: 4, hostHop: 4, confidence: 0.9, evidence: [])
        unknown.reset?.stage = .data
        let explanation = try explained("10.4.0.2", [unknown])
        #expect(explanation.settling == ["on 10.4.0.2: the application's log at that time, and nft list ruleset"])
        // Nobody is cleared who is only not accused.
        #expect(explanation.message?.text.contains("came from 10.4.0.2 itself, as far as we can see") == true)
        var closing = try reset(.middlebox, .unknown, hop: 2, hostHop: 4, evidence: [distance])
        closing.reset?.stage = .afterClose
        let device = try explained("10.4.0.2", [closing])
        #expect(device.action.hasPrefix("Harmless if users notice nothing: the connection was already closing."))
        #expect(device.message == nil)
    }

    /// A device that copies the host's TTL: its hop is the host's, and nobody at that hop is to be asked.
    @Test func aCopiedTTLAccusesNoHop() throws {
        let talkedOn = Evidence(name: "both_talk_on", weight: 3, text: "after the reset both sides went on talking")
        let copied = Evidence(
            name: "ttl_host", weight: -2, observed: "61 (64-3)", expected: "61 (64-3), 4 samples", text: "")
        let finding = try reset(.middlebox, .injected, hop: 4, hostHop: 4, evidence: [talkedOn, copied])
        let explanation = try explained("10.4.0.2", [finding])
        #expect(
            explanation.answer
                == "A device on the path sent this reset, not 10.4.0.2 (hop 4): very likely.")
        #expect(explanation.action.contains("rstwho compare"))
        #expect(explanation.message?.to == "whoever runs the network between 10.1.0.1 and 10.4.0.2")
        #expect(explanation.path?.text() == "you ── [sent the RST] ── 10.4.0.2 (hop 4)\n")
        // Where the distance is another one it is known.
        let plain = try reset(.middlebox, .injected, hop: 2, hostHop: 4, evidence: [talkedOn, distance])
        #expect(try explained("10.4.0.2", [plain]).answer.hasPrefix("A device at hop 2 "))
        #expect(try explained("10.4.0.2", [plain]).message?.to == "whoever runs the device at hop 2 (10.2.0.2)")
    }

    @Test func whatIsRunToSettleItFitsTheSender() throws {
        func settling(_ sender: Finding.Sender, _ confidence: Double) throws -> [String] {
            try explained(
                "10.4.0.2", [try reset(sender, .portClosed, hop: 4, hostHop: 4, confidence: confidence, evidence: [])]
            ).settling
        }
        #expect(try settling(.hostKernel, 0.99) == ["on 10.4.0.2: ss -ltn 'sport = :22'"])
        #expect(try settling(.hostFirewall, 0.99) == ["on 10.4.0.2: nft list ruleset"])
        #expect(try settling(.hostFirewall, 0.9).last?.hasPrefix("sudo rstwho probe 10.4.0.2:22") == true)
        #expect(try settling(.host, 0.99).first == "on 10.4.0.2: ss -ltn 'sport = :22' and nft list ruleset")
    }

    @Test func anIdleServerClosedAfterItsTime() throws {
        var finding = try reset(.host, .keepaliveRace, hop: 4, hostHop: 4, evidence: [])
        finding.reset?.stage = .afterClose
        finding.reset?.idleSeconds = 10.2
        #expect(
            finding.summary.contains(
                "The server closed the connection, idle for 10 s, while the client's next request was on its way."))
    }

    @Test func controlsOfNamesStayOut() throws {
        var finding = try reset(.middlebox, .rejected, hop: 2, hostHop: 4, evidence: [distance])
        finding.names = [finding.fiveTuple.source: "evil\u{1b}[2J"]
        let text = try explained("10.4.0.2", [finding]).text()
        #expect(!text.contains("\u{1b}"))
        let coloured = try explained("10.4.0.2", [finding]).text(style: TableStyle(isColoured: true))
        #expect(!coloured.contains("\u{1b}[2J"))
    }
}
