// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The hex dumps of a text: each belongs to the packet whose text stands above it, or, in a text of dumps alone, is a
/// packet itself.
///
/// A dump elsewhere is passed over: what a packet carried may look like one.
struct TextDumps {
    private var dump = HexDump()
    private var clock = PrintedClock()
    /// The dump that is read belongs to the packet above it.
    private var amends = false
    /// Packets that were dumps alone.
    private(set) var packets: UInt64 = 0
    /// The line above a dump that stands alone, where no reader knows it: its time (ns) and interface.
    private var heading: (time: UInt64, interface: UInt8)?

    /// Takes a line that goes on with a dump.
    ///
    /// The first one that does not ends it.
    mutating func goOn(_ line: TextCursor, into output: inout TextOutput) -> Bool {
        if dump.isCollecting {
            if dump.goOn(line) { return true }
            finish(into: &output)
        }
        return line.peek(line.count - 1) == UInt8(ascii: ":") && dump.readTitle(line)
    }

    /// Takes a line that looks like the beginning of a dump.
    ///
    /// `isWanted` must be asked next, once the packet above is complete.
    mutating func begin(_ line: TextCursor) -> Bool {
        dump.begin(line, followsPacket: true)
    }

    /// Whether the dump that was begun belongs to the packet above or stands alone; else it is dropped.
    mutating func isWanted(_ output: TextOutput) -> Bool {
        amends = output.awaitsDump && output.counts.packets > packets
        if amends || output.counts.packets == packets { return true }
        dump.reset()
        return false
    }

    /// Takes note of a line that no reader knows: it may be the heading of a dump.
    mutating func note(_ line: TextCursor, _ output: inout TextOutput) {
        guard output.counts.packets == packets else { return }
        var cursor = line
        guard let stamp = PrintedClock.stamp(atStart: &cursor) else { return }
        heading = (clock.time(of: stamp), 0)
        guard let place = PrintedInterface(&cursor) else { return }
        heading?.interface = output.interfaces.slot(of: place.name)
        if place.isEgress { heading?.interface |= UInt8(PACKET_INTERFACE_EGRESS) }
    }

    /// Completes the dump that is read: none of its lines follow.
    mutating func finish(into output: inout TextOutput) {
        guard dump.isCollecting else { return }
        if amends, let place = output.heldPlace {
            if let found = dump.complete(time: place.time, interface: place.interface, output.snapshots) {
                output.amend(found, hasLink: dump.hadLink)
            }
            return
        }
        // Without a heading a dump has the time of the one before, as has a packet of pcapng without a time.
        let time = heading?.time ?? clock.last
        let interface = heading?.interface ?? 0
        heading = nil
        guard let found = dump.complete(time: time ?? 0, interface: interface, output.snapshots) else { return }
        packets += 1
        let number = output.beginPacket(time: time)
        switch found {
        case .success(var packet):
            packet.frame = number
            output.emit(packet)
            output.flush()
        case .failure(let problem): output.refuse(problem.refusal)
        }
    }
}

extension PacketRecord {
    /// Whether the record may be of the same packet as `printed`, which was read of its text: names stand for any
    /// address, and a TTL of 0 for any TTL.
    func mayBe(_ printed: PacketRecord) -> Bool {
        let isSameSource = printed.source == source || printed.source.standsForName
        let isSameDestination = printed.destination == destination || printed.destination.standsForName
        // The identifier of an echo is not always printed.
        let isICMP = transport == .icmp || transport == .icmpv6
        let hasSamePorts =
            printed.src_port == src_port && printed.dst_port == dst_port || isICMP && printed.src_port == 0
        return isSameSource && isSameDestination && hasSamePorts && printed.transport == transport
            && printed.flags == flags && (printed.ttl == 0 || printed.ttl == ttl)
    }

    /// Takes over what the text says of the link header, which a dump from the IP header on does not have.
    mutating func takeLink(of printed: PacketRecord) {
        link_hash = printed.link_hash
        id = id & UInt32(PACKET_ID_MASK) | printed.id & ~UInt32(PACKET_ID_MASK)
    }
}
