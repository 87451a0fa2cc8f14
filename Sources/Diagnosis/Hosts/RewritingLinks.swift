// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Next hops that set the TTL of all that they pass on to one value (some routers do so to hide what is behind them,
/// user-mode NATs because they make every packet anew): then a TTL tells no distance, unless resets show that some have
/// another.
///
/// Such a next hop shows hosts of several networks, all as near as itself; one that routes shows at least some of them
/// farther. Fixed size: 64 next hops, of which a newer one overwrites an older in its place.
struct RewritingLinks: ~Copyable {
    private static let places = 64
    /// Networks that have to appear with the one TTL: a router has addresses in a few of its own.
    private static let networks = 3
    /// Packets with the one TTL after which it is told: a neighbour with addresses in several networks may show a few.
    private static let told: UInt32 = 16
    /// Packets with another TTL that are tolerated: one in 20.
    private static let tolerance: UInt32 = 20

    struct Link: BitwiseCopyable {
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

    private let links = FixedTable(repeating: Link(), count: places)

    /// Learns from a packet that proves that its sender lives.
    ///
    /// Returns true where it is now plain that its next hop rewrites TTLs: once for each.
    @inline(__always)
    mutating func learn(_ record: UnsafePointer<PacketRecord>) -> Bool {
        let hash = record.pointee.link_hash
        guard record.pointee.direction == .ingress, hash != 0 else { return false }
        let link = links[Int(hash)]
        if link.pointee.hash == hash,
            record.pointee.ttl != link.pointee.ttl || record.pointee.distance.decrements != 0
        {
            if link.pointee.others < .max { link.pointee.others &+= 1 }
            return false
        }
        return learnWhole(record, link)
    }

    /// Learns from a packet that may have a rewritten TTL.
    @inline(never)
    private func learnWhole(_ packet: UnsafePointer<PacketRecord>, _ link: UnsafeMutablePointer<Link>) -> Bool {
        let record = packet.pointee
        if link.pointee.hash != record.link_hash { link.pointee = Link(hash: record.link_hash, ttl: record.ttl) }
        guard record.ttl == link.pointee.ttl, record.distance.decrements == 0 else {
            if link.pointee.others < .max { link.pointee.others += 1 }
            return false
        }
        if link.pointee.alike < .max { link.pointee.alike += 1 }
        note(Self.network(record), of: link)
        guard !link.pointee.isTold, link.pointee.alike >= Self.told, isRewritten(record) else { return false }
        link.pointee.isTold = true
        return true
    }

    /// Learns from a reset.
    mutating func learn(reset: PacketRecord) {
        let link = links[Int(reset.link_hash)]
        guard reset.direction == .ingress, link.pointee.hash == reset.link_hash else { return }
        if reset.ttl != link.pointee.ttl { link.pointee.isRefuted = true }
    }

    private func note(_ network: UInt64, of link: UnsafeMutablePointer<Link>) {
        let count = Int(link.pointee.count)
        guard count < Self.networks else { return }
        for index in 0..<count where link.pointee.networks[index] == network { return }
        link.pointee.networks[count] = network
        link.pointee.count += 1
    }

    /// True where the next hop of this packet gives all packets one TTL, and the packet has it as well.
    func isRewritten(_ record: PacketRecord) -> Bool {
        guard record.direction == .ingress, record.link_hash != 0 else { return false }
        let link = links[Int(record.link_hash)].pointee
        return !link.isRefuted && link.hash == record.link_hash && link.ttl == record.ttl && link.count >= Self.networks
            && link.others < link.alike / Self.tolerance + 1
    }

    /// True where the next hop of this packet passes on packets of others (what proved to be alive came from behind it,
    /// or from several networks), or where that is not known.
    func mayForward(_ record: PacketRecord) -> Bool {
        let link = links[Int(record.link_hash)].pointee
        return link.hash != 0 && (link.hash != record.link_hash || link.others > 0 || link.count > 1)
    }

    /// The first 16 bits of an IPv4 address, the first 32 of an IPv6 one: addresses of one site share them.
    private static func network(_ record: PacketRecord) -> UInt64 {
        record.isIPv6 ? 1 << 40 | record.src_high >> 32 : 1 << 41 | record.src_low >> 16 & 0xffff
    }
}
