// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Next hops that set the TTL of all that they pass on to one value (some routers do so to hide what is behind them, user-mode
/// NATs because they make every packet anew): then a TTL tells no distance, unless resets show that some have another.
///
/// Such a next hop shows hosts of several networks, all as near as itself; one that routes shows at least some of them
/// farther. Fixed size: 64 next hops, of which a newer one overwrites an older in its place.
struct RewritingLinks {
    private static let places = 64
    /// Networks that have to appear with the one TTL: a router has addresses in a few of its own.
    private static let networks = 3
    /// Packets with the one TTL after which it is told: a neighbour with addresses in several networks may show a few.
    private static let told: UInt32 = 16
    /// Packets with another TTL that are tolerated: one in 20.
    private static let tolerance: UInt32 = 20

    private struct Link: BitwiseCopyable {
        var hash: UInt16 = 0
        var ttl: UInt8 = 0
        var alike: UInt32 = 0
        var others: UInt32 = 0
        var networks: InlineArray<3, UInt64> = .init(repeating: 0)
        var count: UInt8 = 0
        /// It was said of this link.
        var isTold = false
        /// A reset came with another TTL: what the device itself sends can be told from what it passes on.
        var isRefuted = false
    }

    private var links = [Link](repeating: Link(), count: places)

    /// Learns from a packet that proves that its sender lives. Returns true where it is now plain that its next hop rewrites TTLs:
    /// once for each.
    @inline(__always)
    mutating func learn(_ record: PacketRecord) -> Bool {
        guard record.direction == .ingress, record.link_hash != 0 else { return false }
        let place = Int(record.link_hash) % Self.places
        if links[place].hash != record.link_hash { links[place] = Link(hash: record.link_hash, ttl: record.ttl) }
        guard record.ttl == links[place].ttl, record.distance.decrements == 0 else {
            if links[place].others < .max { links[place].others += 1 }
            return false
        }
        if links[place].alike < .max { links[place].alike += 1 }
        note(Self.network(record), at: place)
        guard !links[place].isTold, links[place].alike >= Self.told, isRewritten(record) else { return false }
        links[place].isTold = true
        return true
    }

    /// Learns from a reset.
    mutating func learn(reset: PacketRecord) {
        let place = Int(reset.link_hash) % Self.places
        guard reset.direction == .ingress, links[place].hash == reset.link_hash else { return }
        if reset.ttl != links[place].ttl { links[place].isRefuted = true }
    }

    private mutating func note(_ network: UInt64, at place: Int) {
        let count = Int(links[place].count)
        guard count < Self.networks else { return }
        for index in 0..<count where links[place].networks[index] == network { return }
        links[place].networks[count] = network
        links[place].count += 1
    }

    /// True where the next hop of this packet gives all packets one TTL, and the packet has it as well.
    func isRewritten(_ record: PacketRecord) -> Bool {
        guard record.direction == .ingress, record.link_hash != 0 else { return false }
        let link = links[Int(record.link_hash) % Self.places]
        return !link.isRefuted && link.hash == record.link_hash && link.ttl == record.ttl && link.count >= Self.networks
            && link.others < link.alike / Self.tolerance + 1
    }

    /// The first 16 bits of an IPv4 address, the first 32 of an IPv6 one: addresses of one site share them.
    private static func network(_ record: PacketRecord) -> UInt64 {
        record.isIPv6 ? 1 << 40 | record.src_high >> 32 : 1 << 41 | record.src_low >> 16 & 0xffff
    }
}
