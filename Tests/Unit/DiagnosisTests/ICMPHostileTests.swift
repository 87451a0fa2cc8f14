// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("ICMP errors: what they teach, and hostile ones")
struct ICMPHostileTests {
    private static let redirect = StoryError(
        type: 5, code: 1, from: IPAddress(v4: 0x0a01_0002), ttl: 64, rest: 0x0a01_0003, length: 28)

    @Test("Redirects for a ping and for TCP of one destination are one finding, for another destination another")
    func redirectsOfAll() {
        var story = Story()
        story.client(.syn)
        story.error(Self.redirect)
        for destination in [story.server, IPAddress(v4: 0x0a04_0009)] {
            var ping = Self.redirect
            ping.quoted = FrameBuilder.bareIP.ipv4(.client, destination, ttl: 63).echo(reply: false)
            story.error(ping)
        }
        #expect(story.icmpFindings().map(\.count) == [2, 1])
    }

    @Test("A redirect told again within milliseconds was not ignored yet", arguments: [(0.01, false), (1.5, true)])
    func toldAgain(seconds: Double, isIgnored: Bool) throws {
        var story = Story()
        story.client(.syn)
        story.error(Self.redirect)
        story.wait(seconds)
        story.error(Self.redirect)
        let finding = try story.icmpFinding()
        #expect(finding.count == 2)
        #expect((finding.evidence(.toldAgain) != nil) == isIgnored)
    }

    private func address(_ error: StoryError) -> IPAddress? {
        var story = Story()
        story.client(.syn)
        story.error(error)
        return story.engineAfterwards { $0.witnesses.origins.address(atHop: 2, isIPv6: false) }
    }

    @Test("Errors about flows that were seen teach who is at a hop, others do not")
    func hops() {
        #expect(address(StoryError(type: 11, code: 0)) == StoryError.firewall)
        #expect(address(StoryError(type: 11, code: 0, clientPort: 50_993)) == nil)
    }

    @Test(
        "So does a refusal by policy, unless it is the destination's; a closed port does not", arguments: [9, 10, 13])
    func filters(code: UInt8) {
        #expect(address(StoryError(code: code)) == StoryError.firewall)
        #expect(address(StoryError(code: code, from: .server)) == nil)
        #expect(address(StoryError(code: code, clientPort: 50_993)) == nil)
        #expect(address(StoryError(code: 3)) == nil)
    }

    @Test("Whatever ICMP packets hold, the engine counts them and stays within its bounds")
    func random() {
        var story = Story()
        story.step = 100_000
        story.client(.syn)
        // SplitMix64: the same in every run.
        var state: UInt64 = 7
        func next(_ bound: UInt64) -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
            return (word ^ word >> 31) % bound
        }
        let genuine = FrameBuilder.bareIP.ipv4(.client, .server, ttl: 62).tcp(50_992, 22, seq: 1000, flags: .syn).bytes
        let count = 20_000
        for index in 0..<count {
            var quote = index % 2 == 0 ? genuine : (0..<next(80)).map { _ in UInt8(next(256)) }
            if !quote.isEmpty { quote[Int(next(UInt64(quote.count)))] = UInt8(next(256)) }
            quote.removeLast(Int(next(UInt64(quote.count + 1))))
            let types: [UInt8] = [3, 5, 11, 12, 4, 1, 2, 137, UInt8(next(256))]
            let (type, code) = (types[Int(next(UInt64(types.count)))], UInt8(next(256)))
            let (rest, ttl) = (UInt32(next(1 << 32)), UInt8(next(256)))
            let from = IPAddress(v4: UInt32(next(1 << 32)))
            story.add(
                index % 3 == 0
                    ? Ethernet().ipv6(.server6, .client6, hopLimit: ttl).icmp(type: type, code: code, rest: rest)
                        .payload(quote)
                    : Ethernet().ipv4(from, .client, ttl: ttl).icmp(type: type, code: code, rest: rest).payload(quote))
        }
        let findings = story.icmpFindings()
        #expect(!findings.isEmpty)
        #expect(findings.reduce(0) { $0 + $1.count } <= count)
        // A window of 10 s has at most this many; the packets take 2 s.
        #expect(findings.count <= ICMPErrors.capacity + ICMPErrors.strangers)
    }
}
