// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("A next hop that gives all packets one TTL")
struct RewritingTests {
    /// Hosts of as many networks as there are `ttls` answer a ping, then the server refuses a connection.
    private func refused(_ ttls: [UInt8], resetTTL: UInt8) -> [Finding.Sender?] {
        var story = Story()
        for (number, ttl) in ttls.enumerated() {
            let host = IPAddress(v4: 0x0b00_0001 + UInt32(number) << 16)
            for sequence in 1...2 as ClosedRange<UInt16> {
                story.add(Ethernet().ipv4(.client, host).echo(reply: false, sequence: sequence))
                story.add(Ethernet().ipv4(host, .client, ttl: ttl).echo(reply: true, sequence: sequence))
            }
        }
        story.ping(4, ttl: 64)
        story.refuse(ttl: resetTTL)
        return story.findings().map(\.reset?.sender)
    }

    @Test("Then a TTL tells no distance")
    func rewritten() {
        #expect(refused([64, 64, 64], resetTTL: 64) == [.undetermined])
        // What has another TTL was not made anew by it: it came from behind what answers the pings.
        #expect(refused([64, 64, 64], resetTTL: 61) == [.host])
    }

    @Test("A device that passes all on with one TTL but resets with another can be told from the hosts")
    func refuted() {
        var story = Story()
        for number in 0..<3 as Range<UInt32> {
            let host = IPAddress(v4: 0x0b00_0001 + number << 16)
            story.add(Ethernet().ipv4(.client, host).echo(reply: false))
            story.add(Ethernet().ipv4(host, .client, ttl: 64).echo(reply: true))
        }
        story.ping(4, ttl: 64)
        story.refuse(ttl: 255)
        story.wait(1)
        story.refuse(ttl: 64, seq: 5000)
        #expect(story.findings().first { $0.reset?.ttl == 64 }?.reset?.sender == .host)
    }

    @Test("A neighbour beside a router, and one with addresses in two networks, are what they seem")
    func neighbour() {
        #expect(refused([61, 60, 59], resetTTL: 64) == [.host])
        #expect(refused([64], resetTTL: 64) == [.host])
    }
}
