// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fixtures
import Packets
import Probing
import Testing

@Suite("Answers to a probe", .serialized)
struct ProbeMatcherTests {
    private func number(_ probes: Probes, _ bytes: [UInt8]) -> Int? {
        var matcher = probes.matcher
        return matcher.match(bytes)?.number
    }

    private func kind(_ probes: Probes, _ bytes: [UInt8]) -> ProbeAnswer.Kind? {
        var matcher = probes.matcher
        return matcher.match(bytes)?.answer.kind
    }

    @Test("A RST and a SYN-ACK count where they acknowledge the SYN, and only there", arguments: [false, true])
    func segments(isIPv6: Bool) throws {
        let probes = Probes(isIPv6: isIPv6)
        let ack = Probes.sequence &+ 1
        var matcher = probes.matcher
        let reset = probes.from().tcp(22, 40_001, seq: 0, ack: ack, flags: [.rst, .ack]).bytes
        let found = matcher.match(reset)
        let match = try #require(found)
        #expect(match.number == 0)
        #expect(match.answer.kind == .reset)
        #expect(match.answer.distance == HopDistance(ttl: 62))
        #expect(!match.answer.isLocal)
        #expect(
            kind(probes, probes.from().tcp(22, 40_001, seq: 77, ack: ack, flags: [.syn, .ack]).bytes) == .synAck)
        #expect(matcher.unmatched == 0)

        let wrong: [FrameBuilder] = [
            // Another ack: forged, or an answer to what somebody else sent.
            probes.from().tcp(22, 40_001, seq: 0, ack: ack &+ 1, flags: [.rst, .ack]),
            probes.from().tcp(22, 40_001, seq: 0, ack: Probes.sequence, flags: [.rst, .ack]),
            // Without an ack anybody could have made it.
            probes.from().tcp(22, 40_001, seq: 0, flags: .rst),
            // A challenge ACK: the host remembers an earlier connection.
            probes.from().tcp(22, 40_001, seq: 9, ack: ack, flags: .ack),
        ]
        for frame in wrong {
            #expect(matcher.match(frame.bytes) == nil)
        }
        #expect(matcher.unmatched == wrong.count)

        let others: [FrameBuilder] = [
            probes.from().tcp(22, 40_003, seq: 0, ack: ack, flags: [.rst, .ack]),
            probes.from().tcp(23, 40_001, seq: 0, ack: ack, flags: [.rst, .ack]),
            probes.from(probes.router).tcp(22, 40_001, seq: 0, ack: ack, flags: [.rst, .ack]),
        ]
        for frame in others { #expect(matcher.match(frame.bytes) == nil) }
        #expect(matcher.unmatched == wrong.count)
    }

    @Test("An echo reply counts with its token, and only with it", arguments: [false, true])
    func echoes(isIPv6: Bool) {
        let probes = Probes(isIPv6: isIPv6)
        #expect(kind(probes, probes.reply()) == .echoReply)
        #expect(number(probes, probes.reply()) == 1)
        #expect(number(probes, probes.reply(token: Probes.token ^ 1)) == nil)
        #expect(number(probes, probes.reply(identifier: 1)) == nil)
        #expect(number(probes, probes.reply(sequence: 1)) == nil)
        // Our own request, seen on the loopback interface.
        #expect(number(probes, probes.from().echo(reply: false, identifier: 0x7777, sequence: 0x99).bytes) == nil)
    }

    @Test(
        "ICMP errors count where they quote what was sent, as little of it as RFC 792 asks", arguments: [false, true])
    func errors(isIPv6: Bool) {
        let probes = Probes(isIPv6: isIPv6)
        let header = isIPv6 ? 40 : 20
        for (expected, datagram) in [probes.syn, probes.echo, probes.udp].enumerated() {
            let bytes = datagram.bytes
            for length in [header + 8, bytes.count] {
                let quote = Array(bytes.prefix(length))
                #expect(number(probes, probes.error(time: true, quoting: quote)) == expected)
                #expect(kind(probes, probes.error(time: true, quoting: quote)) == .timeExceeded)
            }
            for length in 0..<header + 8 {
                #expect(number(probes, probes.error(time: true, quoting: Array(bytes.prefix(length)))) == nil)
            }
        }
        let quote = probes.syn.bytes
        #expect(
            kind(probes, probes.error(time: false, code: isIPv6 ? 1 : 13, quoting: quote)) == .unreachable(.prohibited))
        #expect(kind(probes, probes.error(time: false, code: isIPv6 ? 4 : 3, quoting: quote)) == .unreachable(.port))
        // Reassembly that took too long, and a packet that was too big, say nothing of hops.
        #expect(kind(probes, probes.error(time: true, code: 1, quoting: quote)) == nil)
        if !isIPv6 { #expect(kind(probes, probes.error(time: false, code: 4, quoting: quote)) == nil) }
    }

    @Test("A quote of something else counts for nothing", arguments: [false, true])
    func foreignQuotes(isIPv6: Bool) {
        let probes = Probes(isIPv6: isIPv6)
        var other = probes.syn
        other.payload = .syn(sequence: Probes.sequence ^ 1)
        #expect(number(probes, probes.error(time: true, quoting: other.bytes)) == nil)
        other = probes.syn
        other.destination = probes.router
        #expect(number(probes, probes.error(time: true, quoting: other.bytes)) == nil)
        other = probes.syn
        other.sourcePort = 1
        #expect(number(probes, probes.error(time: true, quoting: other.bytes)) == nil)
        other = probes.udp
        other.identification ^= 1
        other.payload = .udp(checksum: 0xabce)
        #expect(number(probes, probes.error(time: true, quoting: other.bytes)) == nil)
        other = probes.echo
        other.payload = .echo(sequence: 0x98, token: Probes.token, checksum: 0xbeef)
        #expect(number(probes, probes.error(time: true, quoting: other.bytes)) == nil)
        // A router rewrites TTL, DSCP and header checksum of what it quotes: no matter.
        var bytes = probes.syn.bytes
        bytes[isIPv6 ? 7 : 8] = 1
        #expect(number(probes, probes.error(time: true, quoting: bytes)) == 0)
    }

    @Test("What this machine's own address says is local")
    func local() {
        let probes = Probes(isIPv6: false)
        var matcher = probes.matcher
        let own = probes.error(time: false, code: 1, quoting: probes.syn.bytes, from: .client)
        #expect(matcher.match(own)?.answer.isLocal == true)
        let other = probes.error(time: false, code: 1, quoting: probes.syn.bytes)
        #expect(matcher.match(other)?.answer.isLocal == false)
    }

    @Test("Damaged answers neither crash nor count as another packet's", arguments: [false, true])
    func damaged(isIPv6: Bool) {
        let probes = Probes(isIPv6: isIPv6)
        let answers: [(number: Int, bytes: [UInt8])] = [
            (0, probes.from().tcp(22, 40_001, ack: Probes.sequence &+ 1, flags: [.rst, .ack]).bytes),
            (1, probes.reply()),
            (0, probes.error(time: true, quoting: probes.syn.bytes)),
            (1, probes.error(time: true, quoting: probes.echo.bytes)),
            (2, probes.error(time: false, quoting: probes.udp.bytes)),
        ]
        var random = Sequence(state: 1)
        var matched = 0
        for (expected, bytes) in answers {
            for length in 0...bytes.count {
                let found = number(probes, Array(bytes.prefix(length)))
                #expect(found == nil || found == expected)
            }
            for _ in 0..<4000 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    damaged[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                }
                let found = number(probes, damaged)
                #expect(found == nil || found == expected)
                if found != nil { matched += 1 }
            }
        }
        // Damage that touches nothing of importance is let through: the loop above did test something.
        #expect(matched > 1000)
    }

    /// SplitMix64: the same sequence each time.
    private struct Sequence: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
            return value ^ value >> 31
        }
    }
}
