// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

/// An ICMP error that quotes a packet of the story's client; by default a firewall at hop 2 refuses its SYN.
struct StoryError: Sendable {
    static let firewall = IPAddress(v4: 0x0a02_0002)

    var type: UInt8 = 3
    var code: UInt8 = 13
    var from = StoryError.firewall
    var ttl: UInt8 = 63
    var rest: UInt32 = 0
    var seq: UInt32 = 1000
    var port: UInt16 = 22
    var clientPort: UInt16 = 50992
    /// The packet that it quotes, where that is not the client's SYN.
    var quoted: FrameBuilder?
    var length = 40

    func add(to story: inout Story) {
        let packet =
            quoted
            ?? FrameBuilder.bareIP.ipv4(.client, story.server, ttl: 62)
            .tcp(clientPort, port, seq: seq, flags: .syn)
        story.add(
            Ethernet().ipv4(from, .client, ttl: ttl, identification: UInt16(truncatingIfNeeded: story.time / 1_000_000))
                .icmpError(type: type, code: code, rest: rest, quoting: packet, length: length))
    }
}

extension Story {
    mutating func error(_ error: StoryError = StoryError()) { error.add(to: &self) }

    /// ICMP errors as they were told, revisions in the place of what they revise.
    func icmpFindings(batch: Int = 512) -> [Finding] {
        var last: [Finding] = []
        for finding in findings(batch: batch) where finding.kind == .icmpError {
            if let known = last.firstIndex(where: { $0.id == finding.id }) {
                last[known] = finding
            } else {
                last.append(finding)
            }
        }
        return last
    }

    func icmpFinding() throws -> Finding {
        let all = icmpFindings()
        guard let first = all.first, all.count == 1 else { throw NotOne(count: all.count) }
        return first
    }
}

@Suite("ICMP errors")
struct ICMPErrorTests {
    private func refused(_ error: StoryError = StoryError()) throws -> Finding {
        var story = Story()
        story.client(.syn)
        story.error(error)
        return try story.icmpFinding()
    }

    @Test("A firewall at hop 2 refuses by policy: who, at which hop, whose service")
    func adminProhibited() throws {
        let finding = try refused()
        let error = try #require(finding.icmpError)
        #expect(error.from == StoryError.firewall)
        #expect(error.hop == 2)
        #expect(error.reason == .adminProhibited)
        #expect(error.quoted.destination == .server)
        #expect(finding.fiveTuple.destinationPort == 22)
        #expect(finding.servicePort == 22)
        #expect(finding.count == 1)
        #expect(finding.evidence.isEmpty)
        #expect(!finding.isProblem)
    }

    @Test(
        "Types and codes of both versions",
        arguments: [
            (false, 3, 0, Finding.ICMPReason.netUnreachable), (false, 3, 1, .hostUnreachable),
            (false, 3, 2, .protocolUnreachable), (false, 3, 3, .portUnreachable), (false, 3, 4, .fragmentationNeeded),
            (false, 3, 5, .unreachable), (false, 3, 9, .adminProhibited), (false, 3, 10, .adminProhibited),
            (false, 3, 13, .adminProhibited), (false, 3, 16, .unknown), (false, 4, 0, .sourceQuench),
            (false, 5, 1, .redirect), (false, 5, 4, .unknown), (false, 11, 0, .ttlExceeded),
            (false, 11, 1, .reassemblyTimeExceeded), (false, 12, 0, .parameterProblem), (true, 1, 0, .netUnreachable),
            (true, 1, 1, .adminProhibited), (true, 1, 3, .hostUnreachable), (true, 1, 4, .portUnreachable),
            (true, 1, 5, .adminProhibited), (true, 1, 6, .adminProhibited), (true, 2, 0, .fragmentationNeeded),
            (true, 3, 0, .ttlExceeded), (true, 4, 0, .parameterProblem), (true, 4, 1, .protocolUnreachable),
            (true, 137, 0, .redirect), (true, 200, 0, .unknown),
        ])
    func reasons(isIPv6: Bool, type: UInt8, code: UInt8, reason: Finding.ICMPReason) throws {
        let quoted = FiveTuple(source: .client, sourcePort: 1, destination: .server, destinationPort: 2)
        let error = Finding.ICMPError(
            type: type, code: code, isIPv6: isIPv6, from: .server, hop: 1, quoted: quoted)
        #expect(error.reason == reason)
    }

    @Test("The same within 10 s is one finding with a count; another service, sender or code is another")
    func counted() {
        var story = Story()
        for port: UInt16 in [22, 80] {
            story.serverPort = port
            story.client(.syn)
            story.error(StoryError(port: port))
        }
        story.wait(1)
        story.error()
        story.wait(5)
        story.error(StoryError(seq: 1001))
        story.error(StoryError(code: 10))
        story.error(StoryError(from: IPAddress(v4: 0x0a03_0002), ttl: 62))
        let findings = story.icmpFindings()
        #expect(findings.map(\.count) == [3, 1, 1, 1])
        #expect(findings.map(\.servicePort) == [22, 80, 22, 22])
    }

    @Test("What goes on is told less and less often")
    func windows() {
        var story = Story()
        story.client(.syn)
        for _ in 0..<800 {
            story.error()
            story.wait(1)
        }
        let findings = story.icmpFindings()
        #expect(findings.count == 4)
        #expect(findings.reduce(0) { $0 + $1.count } == 800)
        #expect((9...12).contains(findings[0].count))
        #expect((55...65).contains(findings[1].count))
    }

    @Test("After a silence it is news again")
    func silence() {
        var story = Story()
        story.client(.syn)
        story.error()
        story.wait(60)
        story.error()
        #expect(story.icmpFindings().map(\.count) == [1, 1])
    }

    @Test(
        "It is told after the settle time, in packet order with resets, whatever the batches", arguments: [1, 7, 512])
    func order(batch: Int) {
        var story = Story()
        story.client(.syn)
        story.error()
        story.ping(4)
        story.refuse(ttl: 63)
        story.clientPort = 50993
        story.client(.syn)
        story.error(StoryError(clientPort: 50993))
        story.error(StoryError(code: 10, clientPort: 50993))
        story.wait(3)
        story.ping(1)
        story.error(StoryError(code: 10))
        story.wait(20)
        let told = story.findings(batch: batch)
        #expect(told.map(\.kind) == [.icmpError, .reset, .icmpError, .icmpError])
        #expect(told.map(\.revision) == [0, 0, 0, 1])
        #expect(told.map(\.count) == [2, 1, 1, 2])
        #expect(told[2].id == told[3].id)
        #expect(told.map(\.id) == story.findings().map(\.id))
    }

    @Test("A flow that was not seen: no_flow; seen in the other direction only is not seen")
    func noFlow() throws {
        #expect(try refused(StoryError(clientPort: 50993)).evidence(.noFlow) != nil)
        var story = Story()
        story.server([.syn, .ack])
        story.error()
        #expect(try story.icmpFinding().evidence(.noFlow) != nil)
        #expect(try refused().evidence(.noFlow) == nil)
    }

    @Test("A quoted sequence number that the connection is nowhere near is forged (RFC 5927)")
    func outsideWindow() throws {
        #expect(try refused().evidence(.outsideWindow) == nil)
        for seq: UInt32 in [999 &- (1 << 20), 1001 + (1 << 20) + 1, 0x8000_0000, 3_000_000_000] {
            #expect(try refused(StoryError(seq: seq)).evidence(.outsideWindow) != nil, "\(seq)")
        }
        // A segment that was seen after its error, or was acknowledged in the meantime.
        var story = Story()
        story.converse()
        for seq: UInt32 in [1002, 1001, 1000, 2462] { story.error(StoryError(seq: seq)) }
        #expect(story.icmpFindings().allSatisfy { $0.evidence(.outsideWindow) == nil })
    }

    @Test("In the host's name, from nearer than the host")
    func inTheHostsName() throws {
        var story = Story()
        story.ping(4)
        story.client(.syn)
        story.error(StoryError(from: .server, ttl: 63))
        let finding = try story.icmpFinding()
        #expect(
            finding.evidence.first(.ttlHost)?.expected == .distance(HopDistance(ttl: 61), samples: 4, of: .errorSource))
        var genuine = Story()
        genuine.ping(4)
        genuine.client(.syn)
        genuine.error(StoryError(from: .server, ttl: 61))
        #expect(try genuine.icmpFinding().evidence(.ttlHost) == nil)
    }

    @Test("The connection went on, or it did not")
    func wentOn() throws {
        var story = Story()
        story.client(.syn)
        story.error()
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        #expect(try story.icmpFinding().evidence(.wentOn) != nil)
        // Acknowledged before the error came.
        var late = Story()
        late.open()
        late.error()
        late.server(.ack, seq: 9001, ack: 1001)
        #expect(try late.icmpFinding().evidence(.wentOn) == nil)
        #expect(try refused().evidence(.wentOn) == nil)
    }

    @Test(
        "Time exceeded: traceroute's probe, or a loop", arguments: [(1, true), (30, true), (62, false), (254, false)])
    func timeExceeded(ttl: UInt8, isTraced: Bool) throws {
        var story = Story()
        story.client(.syn, ttl: ttl)
        story.error(StoryError(type: 11, code: 0))
        let finding = try story.icmpFinding()
        #expect((finding.evidence.first(.traced) != nil) == isTraced)
        #expect((finding.evidence.first(.looped) != nil) == !isTraced)
        // One low TTL among others is a probe within a connection.
        story.client(.ack, seq: 1001, ttl: 64)
        story.error(StoryError(type: 11, code: 0, from: .server, seq: 1001))
        #expect((story.icmpFindings().last?.evidence(.traced) != nil) == isTraced)
    }

    @Test("The MTU, and whether the same segment is refused again")
    func fragmentationNeeded() throws {
        var story = Story()
        story.open()
        story.client(.ack, seq: 1001, ack: 9001, payload: String(repeating: "x", count: 1400))
        story.error(StoryError(code: 4, rest: 1300, seq: 1001))
        #expect(try story.icmpFinding().evidence(.sentAgain) == nil)
        story.wait(0.2)
        story.client(.ack, seq: 1001, ack: 9001, payload: String(repeating: "x", count: 1400))
        story.error(StoryError(code: 4, rest: 1300, seq: 1001))
        let finding = try story.icmpFinding()
        #expect(finding.icmpError?.mtu == 1300)
        #expect(finding.evidence.first(.sentAgain)?.observed?.isRepeated(1) == true)
        #expect(finding.count == 2)
        // Routers before RFC 1191 tell no size.
        #expect(try refused(StoryError(code: 4)).icmpError?.mtu == nil)
    }

    @Test("The client comes first, whatever is quoted")
    func serversAnswer() throws {
        var story = Story()
        story.add(Ethernet().ipv4(.client, .server).udp(40000, 53).payload("?"))
        story.add(Ethernet().ipv4(.server, .client, ttl: 61).udp(53, 40000).payload("!"))
        let answer = FrameBuilder.bareIP.ipv4(.server, .client, ttl: 61).udp(53, 40000)
        story.add(Ethernet().ipv4(.client, .server).icmpError(type: 3, code: 3, quoting: answer, length: 28))
        let finding = try story.icmpFinding()
        #expect(finding.fiveTuple.source == .client)
        #expect(finding.servicePort == 53)
        #expect(finding.icmpError?.quoted.source == .server)
        #expect(finding.evidence.first(.answer) != nil)
    }

    @Test("A protocol without ports, and a later fragment")
    func withoutPorts() throws {
        let gre = FrameBuilder.bareIP.ipv4(.client, .server, ttl: 62).gre().ipv4().udp()
        let finding = try refused(StoryError(code: 2, quoted: gre, length: 28))
        #expect(finding.icmpError?.protocolNumber == 47)
        #expect(finding.fiveTuple.transport == .other)
        #expect(finding.evidence.first(.noFlow) == nil)
    }

    @Test("An error that quotes nothing gives no finding", arguments: [0, 8, 19])
    func unquoted(length: Int) {
        var story = Story()
        story.client(.syn)
        story.error(StoryError(length: length))
        #expect(story.icmpFindings().isEmpty)
    }

    @Test("What one sender says of many services is told four times, then counted")
    func scan() {
        var story = Story()
        for port: UInt16 in 1...300 {
            story.serverPort = port
            story.client(.syn)
            story.error(StoryError(port: port))
        }
        let findings = story.icmpFindings()
        #expect(findings.map(\.count) == [1, 1, 1, 1, 296])
        #expect(findings.last?.evidence(.others) != nil)
    }

    @Test("A flood from forged senders buys no memory: backscatter is counted together")
    func flood() {
        var story = Story()
        story.step = 1000
        for index: UInt32 in 0..<20_000 {
            story.error(StoryError(from: IPAddress(v4: 0x0b00_0000 + index), clientPort: UInt16(index & 0x7fff)))
        }
        let findings = story.icmpFindings()
        #expect(findings.count == ICMPErrors.strangers + 1)
        #expect(findings.reduce(0) { $0 + $1.count } == 20_000)
        #expect(findings.allSatisfy { $0.evidence(.noFlow) != nil })
        // An error about a real connection is told by itself all the same.
        story.client(.syn)
        story.error()
        #expect(
            story.icmpFindings().contains { $0.evidence(.noFlow) == nil && $0.icmpError?.from == StoryError.firewall })
    }
}

extension Evidence.Value {
    /// True for a packet that was refused again so many times.
    fileprivate func isRepeated(_ times: Int) -> Bool {
        if case .repeated(times, _) = self { true } else { false }
    }
}
