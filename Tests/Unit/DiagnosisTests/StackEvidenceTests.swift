// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Evidence: what the host's TCP would have written")
struct StackEvidenceTests {
    // MARK: Window and timestamps

    @Test(
        "trigger_window_copied: the window of the packet that drew it",
        arguments: [(777, true), (778, false), (0, false)])
    func triggerWindow(window: UInt16, isCopied: Bool) throws {
        var story = Story()
        story.converse(client: Marks(window: 777))
        story.send(.server, .rst, seq: 9002, Marks(window: window))
        #expect(try story.finding().weight(.triggerWindow) == (isCopied ? 3 : nil))
    }

    @Test("trigger_window_copied abstains where the source's own window is the same")
    func triggerWindowAbstains() throws {
        var story = Story()
        story.converse(client: Marks(window: 777), server: Marks(window: 777))
        story.send(.server, .rst, seq: 9002, Marks(window: 777))
        #expect(try story.finding().weight(.triggerWindow) == nil)
    }

    @Test("window_without_timestamps: a window but not the timestamps that both sides use")
    func windowWithoutTimestamps() throws {
        for (window, timestamps, ticks, weight) in [
            (9, nil, 4000, 2), (9, (9002, 4001), 4000, nil), (0, nil, 4000, nil), (9, nil, nil, nil),
        ] as [(UInt16, (UInt32, UInt32)?, UInt32?, Double?)] {
            var story = Story()
            story.converse(ticks: ticks)
            story.send(.server, .rst, seq: 9002, Marks(window: window, timestamps: timestamps.map { ($0.0, $0.1) }))
            #expect(try story.finding().weight(.windowWithoutTimestamps) == weight)
        }
    }

    @Test("application: IP-ID, window, timestamps and TTL continue the socket's")
    func application() throws {
        func judged(_ change: (inout Marks) -> Void = { _ in }) throws -> Finding {
            var story = Story()
            story.converse(server: Marks(identification: 100), ticks: 4000)
            var marks = Marks(identification: 102, window: 500, timestamps: (9003, 4001))
            change(&marks)
            story.send(.server, [.rst, .ack], seq: 9002, ack: 1002, marks)
            return try story.finding()
        }
        #expect(try judged().weight(.application) == -7)
        #expect(try judged().reset?.sender == .hostApplication)
        #expect(try judged().reset?.cause == .aborted)
        #expect(try judged { $0.identification = 300 }.weight(.application) == nil)
        #expect(try judged { $0.window = 0 }.weight(.application) == nil)
        #expect(try judged { $0.timestamps = nil }.weight(.application) == nil)
        #expect(try judged { $0.timestamps = (8999, 4001) }.weight(.application) == nil)
        #expect(try judged { $0.timestamps = (.max / 2, 4001) }.weight(.application) == nil)
        #expect(try judged { $0.ttl = 60 }.weight(.application) == nil)
    }

    @Test(
        "application in IPv6: the flow's label instead of the IP-ID",
        arguments: [(88, -7), (89, nil)] as [(UInt32, Double?)])
    func applicationIPv6(label: UInt32, weight: Double?) throws {
        var story = Story()
        story.isIPv6 = true
        story.converse(client: Marks(identification: 77), server: Marks(identification: 88), ticks: 4000)
        story.send(
            .server, [.rst, .ack], seq: 9002, ack: 1002,
            Marks(identification: label, window: 500, timestamps: (9003, 4001)))
        #expect(try story.finding().weight(.application) == weight)
    }

    // MARK: DSCP

    /// A closed connection's late data, marked; the reset that answers it comes from `ttl` with `dscp`.
    private func answerToMarked(dscp: UInt8, ttl: UInt8 = 61, keepsDSCP: Bool) throws -> Finding {
        var story = Story()
        if keepsDSCP {
            story.add(Ethernet().ipv4(.client, .server, tos: 46 << 2).echo(reply: false, sequence: 900))
            story.add(Ethernet().ipv4(.server, .client, ttl: 61, tos: 46 << 2).echo(reply: true, sequence: 900))
        }
        story.ping(4)
        story.send(.client, .syn, seq: 1000, Marks(dscp: 4))
        story.send(.server, [.rst, .ack], ack: 1001, Marks(ttl: ttl, dscp: dscp))
        return try story.finding()
    }

    @Test("dscp_kept: the kernel copies the DSCP of what drew it")
    func dscpKept() throws {
        let finding = try answerToMarked(dscp: 4, keepsDSCP: false)
        #expect(finding.weight(.dscpKept) == -2)
        #expect(finding.reset?.sender == .hostKernel)
        #expect(finding.reset?.cause == .portClosed)
    }

    @Test("dscp_lost at the host's distance: the host's own packet filter")
    func dscpLostAtHost() throws {
        let finding = try answerToMarked(dscp: 0, keepsDSCP: true)
        #expect(finding.weight(.dscpLost) == 0)
        #expect(finding.reset?.sender == .hostFirewall)
        #expect(finding.reset?.cause == .rejected)
    }

    @Test("dscp_lost from elsewhere adds to the distance")
    func dscpLostOnTheWay() throws {
        let finding = try answerToMarked(dscp: 0, ttl: 63, keepsDSCP: true)
        #expect(finding.weight(.dscpLost) == 1.5)
        #expect(finding.reset?.sender == .middlebox)
    }

    @Test("dscp_lost abstains where nothing shows that the way back keeps DSCP: which part of the host is not known")
    func dscpWashed() throws {
        let finding = try answerToMarked(dscp: 0, keepsDSCP: false)
        #expect(finding.weight(.dscpLost) == nil)
        #expect(finding.reset?.sender == .host)
        #expect(finding.reset?.cause == .portClosed)
    }

    @Test("A forged packet with a DSCP does not show that the way back keeps it")
    func dscpForged() throws {
        var story = Story()
        story.ping(4)
        story.add(Ethernet().ipv4(.server, .client, ttl: 61, tos: 46 << 2).tcp(4000, 80, seq: 1, flags: .syn))
        story.send(.client, .syn, seq: 1000, Marks(dscp: 4))
        story.send(.server, [.rst, .ack], ack: 1001)
        #expect(try story.finding().weight(.dscpLost) == nil)
    }

    // MARK: Flow label

    private func resetIPv6(label: UInt32, ttl: UInt8, clientLabel: UInt32 = 77, serverLabel: UInt32 = 88) throws
        -> Finding
    {
        var story = Story()
        story.isIPv6 = true
        story.converse(client: Marks(identification: clientLabel), server: Marks(identification: serverLabel))
        story.send(.server, .rst, seq: 9002, Marks(ttl: ttl, identification: label))
        return try story.finding()
    }

    @Test("flow_label_kept: the endpoint's, in any case the host's kernel")
    func flowLabelKept() throws {
        let finding = try resetIPv6(label: 88, ttl: 61)
        #expect(finding.weight(.flowLabelKept) == -5)
        #expect(finding.reset?.sender == .hostKernel)
    }

    @Test("flow_label_missing from elsewhere is a proof, at the host's distance it is its packet filter")
    func flowLabelMissing() throws {
        let away = try resetIPv6(label: 0, ttl: 63)
        #expect(away.weight(.flowLabelMissing) == 5)
        #expect(away.reset?.sender == .middlebox)
        let near = try resetIPv6(label: 0, ttl: 61)
        #expect(near.weight(.flowLabelMissing) == 0)
        #expect(near.reset?.sender == .hostFirewall)
    }

    @Test("flow_label_missing abstains where the flow has none, or where the trigger has none that a stack would copy")
    func flowLabelAbstains() throws {
        #expect(try resetIPv6(label: 0, ttl: 63, serverLabel: 0).weight(.flowLabelMissing) == nil)
        #expect(try resetIPv6(label: 0, ttl: 63, clientLabel: 0).weight(.flowLabelMissing) == nil)
        let other = try resetIPv6(label: 99, ttl: 61)
        #expect(other.weight(.flowLabelMissing) == nil)
        #expect(other.weight(.flowLabelKept) == nil)
    }

    @Test(
        "A closed port against the host's packet filter in IPv6",
        arguments: [(55, true), (0, false)] as [(UInt32, Bool)])
    func closedPortIPv6(label: UInt32, isKernel: Bool) throws {
        var story = Story()
        story.isIPv6 = true
        for sequence in 0..<4 as Range<UInt16> {
            story.add(Ethernet().ipv6(.client6, .server6, flowLabel: 5).echo(reply: false, sequence: sequence))
            story.add(
                Ethernet().ipv6(.server6, .client6, hopLimit: 61, flowLabel: 6).echo(reply: true, sequence: sequence))
        }
        story.send(.client, .syn, seq: 1000, Marks(identification: 77))
        story.send(.server, [.rst, .ack], ack: 1001, Marks(identification: label))
        let finding = try story.finding()
        #expect(finding.reset?.sender == (isKernel ? .hostKernel : .hostFirewall))
        #expect(finding.reset?.cause == (isKernel ? .portClosed : .rejected))
    }

    @Test("Without knowing where the host is, a missing label may be its own packet filter's: undetermined")
    func flowLabelWithoutDistance() throws {
        var story = Story()
        story.isIPv6 = true
        story.converse(client: Marks(identification: 77), server: Marks(ttl: 198, identification: 88))
        story.send(.server, .rst, seq: 9002, Marks(ttl: 62))
        #expect(try story.finding().reset?.sender == .undetermined)
    }

    // MARK: Time

    private func timed(roundTrip: Double, delay: Double, ack: UInt32 = 1002) throws -> Finding {
        var story = Story()
        story.resetAfterData(roundTrip: roundTrip, delay: delay, ack: ack)
        return try story.finding()
    }

    @Test(
        "sooner_than_rtt, rtt_plausible: an answer before half a round trip, or after a whole one",
        arguments: [(40, 5, 3), (40, 19, 3), (40, 25, nil), (40, 40, -1), (40, 300, -1), (0.9, 0.1, nil)]
            as [(Double, Double, Double?)])
    func time(roundTrip: Double, delay: Double, weight: Double?) throws {
        #expect(try timed(roundTrip: roundTrip, delay: delay).timeWeight == weight)
    }

    @Test("sooner_than_rtt abstains where the reset does not answer the newest packet")
    func timeOfAnother() throws {
        #expect(try timed(roundTrip: 40, delay: 5, ack: 1001).timeWeight == nil)
    }
}
