// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Redirects")
struct RedirectsTests {
    private static let router = IPAddress(v4: 0x0a01_0002)
    private static let better = IPAddress(v4: 0x0a01_0003)

    /// The fields of a redirect; by default as an adjacent router sends it.
    struct Redirect: Sendable {
        var from = RedirectsTests.router
        var gateway = RedirectsTests.better
        var to = IPAddress.client
        var ttl: UInt8 = 64
        var code: UInt8 = 1
        var quotedSource = IPAddress.client
        var quotedPort: UInt16 = 50992

        func add(to story: inout Story) {
            let packet = FrameBuilder.bareIP.ipv4(quotedSource, story.server, ttl: 63)
                .tcp(quotedPort, story.serverPort, seq: 1000, flags: .syn)
            let gateway = UInt32(truncatingIfNeeded: gateway.low)
            story.add(
                Ethernet().ipv4(from, to, ttl: ttl)
                    .icmpError(type: 5, code: code, rest: gateway, quoting: packet, length: 28))
        }
    }

    private func learned(_ redirects: [Redirect], wait seconds: Double = 0) -> Redirects.Hint? {
        var story = Story()
        story.client(.syn)
        for redirect in redirects { redirect.add(to: &story) }
        story.wait(seconds)
        return story.engineAfterwards {
            $0.icmp.redirects.hint(of: .client, to: .server, domain: 0, now: $0.context.now)
        }
    }

    @Test("A redirect of the router next door is a hint, and repeats are counted")
    func believed() throws {
        let hint = try #require(learned([Redirect(), Redirect(ttl: 255)]))
        #expect(hint.from == Self.router)
        #expect(hint.gateway == Self.better)
        #expect(hint.count == 2)
    }

    @Test("A hint is for that host and that destination, and not for ever")
    func scoped() {
        var story = Story()
        story.client(.syn)
        Redirect().add(to: &story)
        story.engineAfterwards { engine in
            let now = engine.context.now
            #expect(engine.icmp.redirects.hint(of: .client, to: .server, domain: 0, now: now) != nil)
            #expect(engine.icmp.redirects.hint(of: .server, to: .client, domain: 0, now: now) == nil)
            #expect(engine.icmp.redirects.hint(of: .client, to: Self.better, domain: 0, now: now) == nil)
            #expect(engine.icmp.redirects.hint(of: .client, to: .server, domain: 7, now: now) == nil)
        }
        #expect(learned([Redirect()], wait: 299) != nil)
        #expect(learned([Redirect()], wait: 301) == nil)
    }

    @Test(
        "What a router next door would not send is not learned",
        arguments: [
            Redirect(ttl: 63), Redirect(code: 4), Redirect(quotedSource: RedirectsTests.better),
            Redirect(quotedPort: 50993), Redirect(gateway: RedirectsTests.router), Redirect(gateway: .client),
            Redirect(gateway: IPAddress(v4: 0)), Redirect(gateway: IPAddress(v4: 0x7f00_0001)),
            Redirect(gateway: IPAddress(v4: 0xe000_0001)), Redirect(from: .server),
        ]
    )
    func implausible(redirect: Redirect) {
        #expect(learned([redirect]) == nil)
    }

    private func learned6(
        from: IPAddress = IPAddress(high: 0xfe80 << 48, low: 1), hopLimit: UInt8 = 255,
        target: IPAddress = IPAddress(high: 0xfe80 << 48, low: 2)
    ) -> Redirects.Hint? {
        var story = Story()
        story.isIPv6 = true
        story.send(.client, .syn, seq: 1000)
        let packet = FrameBuilder.bareIP.ipv6(.client6, .server6).tcp(50992, 22, seq: 1000, flags: .syn)
        // Target, destination, and the option with the quote (RFC 4861, 4.5 and 4.6.3).
        var body = [target.high, target.low, IPAddress.server6.high, IPAddress.server6.low].flatMap(Self.bytes)
        body += [4, UInt8((8 + packet.bytes.count) / 8), 0, 0, 0, 0, 0, 0] + packet.bytes
        story.add(Ethernet().ipv6(from, .client6, hopLimit: hopLimit).icmp(type: 137).payload(body))
        return story.engineAfterwards {
            $0.icmp.redirects.hint(of: .client6, to: .server6, domain: 0, now: $0.context.now)
        }
    }

    private static func bytes(_ word: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
    }

    @Test("IPv6: the target stands in the message; link-local, hop limit 255")
    func version6() throws {
        let hint = try #require(learned6())
        #expect(hint.gateway.description == "fe80::2")
        #expect(learned6(target: .server6)?.gateway == .server6)
        #expect(learned6(hopLimit: 254) == nil)
        #expect(learned6(from: .server6) == nil)
        #expect(learned6(target: .client6) == nil)
    }

    @Test("The table is bounded, the oldest gives way")
    func bounded() throws {
        var story = Story()
        let count = Redirects.capacity + 10
        for index in 0..<count {
            let destination = IPAddress(v4: 0x0b00_0000 + UInt32(index))
            let packet = FrameBuilder.bareIP.ipv4(.client, destination, ttl: 63).udp(40000, 53)
            story.add(
                Ethernet().ipv4(Self.router, .client, ttl: 64)
                    .icmpError(type: 5, code: 1, rest: 0x0a01_0003, quoting: packet))
        }
        var redirects = Redirects()
        for packet in story.trace.packets {
            redirects.learn(try #require(ICMPMessage(packet)), isFlowSeen: true, now: packet.time)
        }
        let now = story.time
        func hint(_ index: Int) -> Redirects.Hint? {
            redirects.hint(of: .client, to: IPAddress(v4: 0x0b00_0000 + UInt32(index)), domain: 0, now: now)
        }
        #expect(hint(9) == nil)
        #expect(hint(10) != nil)
        #expect(hint(count - 1) != nil)
    }
}
