// SPDX-License-Identifier: Apache-2.0
import Capture
import CPacket
import Fixtures
import Packets
import Testing

@Suite(.enabled(if: LiveRequirements.areMet, LiveRequirements.reason)) struct LocalAddressTests {
    @Test func addressesAreTheirNamespacesAndChangesAreHeard() async throws {
        try await inNamespace {
            try makePair("one", "other")
            try command("ip link set lo up")
            let addresses = LocalAddresses()
            #expect(addresses.areFollowed)
            #expect(addresses.all() == [IPAddress(v4: 0x7f00_0001)])
            #expect(addresses.changed() == nil)
            try command("ip address add 192.0.2.1/24 dev one")
            let both: Set<IPAddress> = [IPAddress(v4: 0x7f00_0001), IPAddress(v4: 0xc000_0201)]
            #expect(addresses.changed() == both)
            // Neither a second look nor what happens to interfaces is a change of addresses.
            #expect(addresses.changed() == nil)
            try command("ip link set other mtu 1400")
            #expect(addresses.changed() == nil)
            try command("ip address delete 192.0.2.1/24 dev one")
            #expect(addresses.changed() == [IPAddress(v4: 0x7f00_0001)])
        }
    }

    /// More changes than the socket holds messages of.
    @Test func aBurstOfChangesIsOneChange() async throws {
        try await inNamespace {
            try makePair("one", "other")
            let addresses = LocalAddresses()
            let lines = "for i in $(seq 0 3999); do echo address add 10.0.$((i / 250)).$((i % 250 + 1))/32 dev one"
            try command(["sh", "-c", "\(lines); done | ip -batch -"])
            var newest: Set<IPAddress> = []
            while let changed = addresses.changed() { newest = changed }
            #expect(newest.count == 4000)
        }
    }

    /// The kernel's neighbour and the record of its packet name one station.
    @Test func neighboursAreThoseOfWatchedInterfaces() async throws {
        try await inNamespace {
            let pair = try makePair("near", "far")
            _ = try makePair("unwatched", "peer")
            try command("sysctl -q -w net.ipv6.conf.near.disable_ipv6=0")
            try command("ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev near")
            try command("ip neigh add 2001:db8::7 lladdr 02:00:00:00:00:07 dev near")
            try command("ip neigh add 192.0.2.8 lladdr 02:00:00:00:00:08 dev unwatched")
            let run = try CaptureRun(AttachWay.tcx.options(["near"]))
            try Ethernet(source: MACAddress(0x02_00_00_00_00_07)).ipv4(ttl: 64).tcp(flags: .rst).send(to: pair.right)
            #expect(run.waits { $0.kept.count == 1 })
            let link = try #require(run.kept.first).record.link_hash
            let neighbours = Set(run.neighbours)
            #expect(neighbours.contains(Neighbour(address: IPAddress(v4: 0xc000_0207), link: link)))
            #expect(neighbours.contains { !$0.address.isIPv4 && $0.link == link })
            #expect(!neighbours.contains { $0.address == IPAddress(v4: 0xc000_0208) })
            run.stop()
        }
    }
}
