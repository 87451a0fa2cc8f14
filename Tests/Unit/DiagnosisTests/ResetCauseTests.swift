// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Why a reset was sent")
struct ResetCauseTests {
    @Test(
        "port_closed by the host, rejected by a device",
        arguments: [(61, .portClosed), (63, .rejected)] as [(UInt8, Finding.Cause)])
    func refused(ttl: UInt8, cause: Finding.Cause) throws {
        var story = Story()
        story.ping(4)
        story.refuse(ttl: ttl)
        #expect(try story.finding().reset?.cause == cause)
        #expect(try story.finding().reset?.stage == .syn)
    }

    @Test(
        "mid-stream nothing but the packets' numbers tells a rule from a lost connection: no cause is given",
        arguments: [([.rst], 9002, .unknown), ([.rst], 9001, .unknown), ([.rst, .ack], 9002, .unknown)]
            as [(TCPFlags, UInt32, Finding.Cause)])
    func rejectedInStream(flags: TCPFlags, seq: UInt32, cause: Finding.Cause) throws {
        var story = Story()
        story.converse()
        story.send(.server, flags, seq: seq, ack: flags.contains(.ack) ? 1002 : 0, Marks(ttl: 63))
        let finding = try story.finding()
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.cause == cause)
    }

    @Test(
        "A device that says why: MP_TCPRST, administratively prohibited",
        arguments: [(3, .rejected), (6, .unknown)] as [(UInt8, Finding.Cause)])
    func multipathReason(reason: UInt8, cause: Finding.Cause) throws {
        var story = Story()
        story.converse()
        story.add(
            Ethernet().ipv4(.server, .client, ttl: 63).tcp(
                22, 50992, seq: 9001, ack: 1002, flags: [.rst, .ack], options: [30, 4, 0x80, reason]))
        #expect(try story.finding().reset?.cause == cause)
    }

    @Test("reset_text: the text that the reset carries is told")
    func resetText() throws {
        var story = Story()
        story.converse()
        story.send(.server, [.rst, .ack], seq: 9002, ack: 1002, Marks(ttl: 63), payload: "No pool member available")
        let finding = try story.finding()
        #expect(
            finding.evidence.first { $0.name == .resetText }?.observed == .stated(.text("No pool member available")))
        #expect(finding.weight(.resetText) == 0)
    }

    @Test("aborted by a socket: it has a window; the kernel's without a socket is not called so")
    func aborted() throws {
        var story = Story()
        story.converse()
        story.send(.server, [.rst, .ack], seq: 9002, ack: 1002, Marks(window: 500))
        #expect(try story.finding().reset?.cause == .aborted)
        story = Story()
        story.converse()
        story.send(.server, [.rst, .ack], seq: 9002, ack: 1002)
        #expect(try story.finding().reset?.cause == .unknown)
    }

    @Test("aborted: a reset that acknowledges the other side's close ends the connection, and nothing came too late")
    func closedByReset() throws {
        var story = Story()
        story.converse()
        story.send(.client, [.fin, .ack], seq: 1002, ack: 9002)
        story.send(.server, .ack, seq: 9002, ack: 1003)
        story.send(.server, [.rst, .ack], seq: 9002, ack: 1003)
        #expect(try story.finding().reset?.cause == .aborted)
        // It had closed itself, and nothing came since.
        story = Story()
        story.converse()
        story.send(.server, [.fin, .ack], seq: 9002, ack: 1002)
        story.send(.server, [.rst, .ack], seq: 9003, ack: 1002)
        #expect(try story.finding().reset?.cause == .aborted)
    }

    @Test("No late data, and no close by reset: it acknowledges less than what came, or nothing")
    func notClosedByReset() throws {
        for (flags, ack) in [([.rst, .ack], 1002), (.rst, 0)] as [(TCPFlags, UInt32)] {
            var story = Story()
            story.converse()
            story.send(.client, [.fin, .ack], seq: 1002, ack: 9002)
            story.send(.server, flags, seq: 9002, ack: ack)
            #expect(try story.finding().reset?.cause == .unknown)
        }
    }

    @Test("late_data: what comes after the close draws the kernel's reset")
    func lateData() throws {
        var story = Story()
        story.converse()
        story.send(.server, [.fin, .ack], seq: 9002, ack: 1002)
        story.send(.client, .ack, seq: 1002, ack: 9003)
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9003, payload: "late")
        story.send(.server, .rst, seq: 9003)
        #expect(try story.finding().reset?.cause == .lateData)
        #expect(try story.finding().reset?.stage == .afterClose)
    }

    /// The server closes after `silence` seconds; the client's data crosses the FIN if it does not acknowledge it.
    private func closed(after silence: Double, acknowledgesFIN: Bool, pause: Double = 0.02) throws -> Finding {
        var story = Story()
        story.converse()
        story.wait(silence)
        story.send(.server, [.fin, .ack], seq: 9002, ack: 1002)
        story.wait(pause)
        story.send(.client, [.psh, .ack], seq: 1002, ack: acknowledgesFIN ? 9003 : 9002, payload: "GET")
        story.send(.server, .rst, seq: 9002)
        return try story.finding()
    }

    @Test("keepalive_race: the server closes at the moment when its client writes")
    func keepaliveRace() throws {
        let finding = try closed(after: 5, acknowledgesFIN: false)
        #expect(finding.reset?.cause == .keepaliveRace)
        #expect(finding.reset?.sender.isForeign == false)
    }

    @Test("No keep-alive race: the client knew of the close, wrote much later, or there was no silence")
    func noKeepaliveRace() throws {
        #expect(try closed(after: 5, acknowledgesFIN: true).reset?.cause == .lateData)
        #expect(try closed(after: 5, acknowledgesFIN: false, pause: 0.5).reset?.cause == .lateData)
        #expect(try closed(after: 0.2, acknowledgesFIN: false).reset?.cause == .lateData)
    }

    @Test(
        "half_open_check: the client gives up, more than once, what the server has just accepted",
        arguments: [(1, 0, 22), (2, 2, 22), (5, 5, 22), (2, 0, 23)])
    func halfOpenCheck(times: Int, checks: Int, lastPort: UInt16) throws {
        var story = Story()
        for time in 0..<times {
            story.clientPort = 50_000 + UInt16(time)
            if time == times - 1 { story.serverPort = lastPort }
            story.client(.syn)
            story.server([.syn, .ack], seq: 9000, ack: 1001)
            story.send(.client, .rst, seq: 1001)
            story.wait(10)
        }
        var newest: [String: Finding] = [:]
        for finding in story.findings() { newest[finding.id] = finding }
        #expect(newest.count == times)
        #expect(newest.values.count { $0.reset?.cause == .halfOpenCheck } == checks)
    }

    @Test("stale_connection is no check")
    func noHalfOpenCheck() throws {
        var story = Story()
        story.client(.syn)
        story.server(.ack, seq: 500, ack: 400)
        story.send(.client, .rst, seq: 400)
        #expect(try story.finding().reset?.cause == .staleConnection)
    }

    @Test(
        "idle_timeout by a device after a silence, not after a pause",
        arguments: [(350, .idleTimeout), (5, .rejected)] as [(Double, Finding.Cause)])
    func idleTimeout(silence: Double, cause: Finding.Cause) throws {
        var story = Story()
        story.converse()
        story.wait(silence)
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "C")
        story.send(.server, .rst, seq: 9002, Marks(ttl: 63))
        let finding = try story.finding()
        #expect(finding.reset?.cause == cause)
        #expect(abs(try #require(finding.reset?.idleSeconds) - silence) < 0.1)
    }

    @Test("injected: a race, a proof, or what was copied from the trigger")
    func injected() throws {
        var story = Story()
        story.converse(client: Marks(window: 777))
        story.send(.server, [.rst, .ack], seq: 9001, ack: 1002, Marks(ttl: 63, window: 777))
        #expect(try story.finding().reset?.cause == .injected)
        story = Story()
        story.converse(client: Marks(window: 777))
        story.send(.server, [.rst, .ack], seq: 9001, ack: 1002, Marks(ttl: 63, window: 778))
        #expect(try story.finding().reset?.cause == .unknown)
    }

    @Test("An undetermined sender has an unknown cause")
    func undetermined() throws {
        var story = Story()
        story.refuse(ttl: 63)
        #expect(try story.finding().reset?.cause == .unknown)
    }
}

@Suite("Which part of the host")
struct HostComponentTests {
    private func judged(isIPv6: Bool = false, _ marks: Marks, ticks: UInt32? = nil) throws -> Finding.Sender? {
        var story = Story()
        story.isIPv6 = isIPv6
        story.converse(
            client: Marks(identification: 77), server: Marks(identification: isIPv6 ? 88 : 100), ticks: ticks)
        story.send(.server, [.rst, .ack], seq: 9002, ack: 1002, marks)
        return try story.finding().reset?.sender
    }

    @Test("IPv4: a window with the connection's next IP-ID or its timestamps is a socket's")
    func socket() throws {
        #expect(try judged(Marks(identification: 102, window: 500)) == .hostApplication)
        #expect(
            try judged(Marks(identification: 5000, window: 500, timestamps: (9003, 4001)), ticks: 4000)
                == .hostApplication)
        #expect(try judged(Marks(identification: 5000, window: 500)) == .host)
    }

    @Test("IPv4: neither window nor IP-ID says nothing: closed port and packet filter look alike")
    func undecidable() throws {
        #expect(try judged(Marks()) == .host)
        #expect(try judged(Marks(identification: 4242)) == .host)
    }

    @Test("IPv6: the flow's label with a window is a socket's, without one the kernel's; no label is a packet filter's")
    func labels() throws {
        #expect(try judged(isIPv6: true, Marks(identification: 88, window: 500)) == .hostApplication)
        #expect(try judged(isIPv6: true, Marks(identification: 88)) == .hostKernel)
        #expect(try judged(isIPv6: true, Marks(identification: 99)) == .hostKernel)
        #expect(try judged(isIPv6: true, Marks(identification: 0)) == .hostFirewall)
    }
}
