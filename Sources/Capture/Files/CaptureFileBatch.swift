// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Glibc
internal import Packets

/// The output of a decoder: room for `capacity` packets and their snapshots, allocated once.
///
/// The room can be exchanged, for handing it to another thread.
struct CaptureFileBatch: ~Copyable {
    /// Packets in a batch.
    ///
    /// 512 snapshots are 128 KiB, which stays in a second-level cache.
    static let capacity = 512

    /// The metadata of a frame in a capture.
    struct Frame {
        /// ns since 1970.
        var time: UInt64
        var wireLength: UInt32
        var link: LinkLayer
        /// `PACKET_INTERFACE_*`.
        var interface: UInt8
    }

    /// `capacity` packets and their snapshots.
    final class Room {
        let packets: UnsafeMutablePointer<ObservedPacket> = zeroed(capacity)
        let snapshots: UnsafeMutablePointer<header_snapshot> = zeroed(capacity)
        /// Of the packets, where somebody makes them.
        let hashes: UnsafeMutablePointer<PacketHashes> = zeroed(capacity)

        deinit {
            Glibc.free(packets)
            Glibc.free(snapshots)
            Glibc.free(hashes)
        }
    }

    // The pointers are the room's; `snapshotCount` ≤ `count` ≤ capacity, which is checked before each write.
    private var room = Room()
    private var packets: UnsafeMutablePointer<ObservedPacket>
    private var snapshots: UnsafeMutablePointer<header_snapshot>
    // One per outcome: PACKET_PARSED, the parser's refusals, then those of LinkRefusal.
    private let outcomes: UnsafeMutablePointer<UInt64>
    private static let outcomeCount = Int(PACKET_REFUSAL_COUNT.rawValue) + LinkRefusal.allCases.count

    private(set) var count = 0
    /// Senders of ARP packets since the last delivery, each once.
    private(set) var neighbours: [Neighbour] = []
    /// Senders that are kept until then; further ones are named again by their next packet.
    private static let neighbourLimit = 64
    /// Snapshots in use, one behind the other: as few cache lines as can be.
    private var snapshotCount = 0
    private(set) var frames: UInt64 = 0
    /// The latest time of a packet so far, ns since 1970.
    ///
    /// Never goes back.
    private(set) var watermark: UInt64 = 0

    init() {
        packets = room.packets
        snapshots = room.snapshots
        outcomes = Self.zeroed(Self.outcomeCount)
    }

    deinit {
        Glibc.free(outcomes)
    }

    /// Goes on in another room, empty.
    mutating func move(into room: Room) {
        self.room = room
        packets = room.packets
        snapshots = room.snapshots
        count = 0
        snapshotCount = 0
    }

    /// Structures of C and numbers, for which all bits 0 is a value.
    ///
    /// Pages that a short capture never uses are not touched.
    private static func zeroed<Element: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<Element> {
        guard let memory = calloc(count, MemoryLayout<Element>.stride) else {
            // 200 KB that cannot be had: let the allocator end the process as it does everywhere in Swift.
            return .allocate(capacity: count)
        }
        return memory.bindMemory(to: Element.self, capacity: count)
    }

    var isFull: Bool { count == Self.capacity }

    /// Parses a frame and appends it if it is a packet; counts it in any case.
    ///
    /// Must not be called when `isFull`.
    ///
    /// `bytes` are valid for `length`; nothing beyond is read.
    mutating func append(_ bytes: UnsafeRawPointer, length: Int, _ frame: Frame) {
        frames &+= 1
        if frame.time > watermark { watermark = frame.time }
        var content = LinkLayer.Content(
            offset: 0, link: UInt8(PACKET_LINK_ETHERNET.rawValue), interface: frame.interface)
        var outcome: UInt32 = 0
        switch frame.link {
        case .ethernet: break
        case .ip: content.link = UInt8(PACKET_LINK_IP.rawValue)
        default: outcome = frame.link.open(bytes, length: length, content: &content)
        }
        if outcome == 0 { outcome = parse(bytes, length: length, frame, content) }
        // A length in the place of the Ethertype: LLC and SNAP may lead to IP.
        if outcome == PACKET_REFUSED_NOT_IP.rawValue, frame.link == .ethernet,
            let opened = LinkLayer.openSNAP(bytes, length: length, content: &content)
        {
            outcome = opened == 0 ? parse(bytes, length: length, frame, content) : opened
        }
        if outcome == PACKET_REFUSED_NOT_IP.rawValue { noteNeighbour(bytes, length: length, frame, content) }
        outcomes[min(Int(outcome), Self.outcomeCount - 1)] &+= 1
    }

    /// Keeps the sender of an ARP packet that arrived.
    @inline(never)
    private mutating func noteNeighbour(
        _ bytes: UnsafeRawPointer, length: Int, _ frame: Frame, _ content: LinkLayer.Content
    ) {
        guard neighbours.count < Self.neighbourLimit else { return }
        let bytes = UnsafeRawBufferPointer(start: bytes, count: length)
        let sender = frame.link == .ethernet ? ARPFrame.sender(bytes) : ARPFrame.sender(bytes, behind: content)
        guard let sender, !neighbours.contains(sender) else { return }
        neighbours.append(sender)
    }

    /// Returns the senders of ARP packets since the last call.
    mutating func takeNeighbours() -> [Neighbour] {
        guard !neighbours.isEmpty else { return [] }
        defer { neighbours.removeAll(keepingCapacity: true) }
        return neighbours
    }

    /// Parses what the link layer carries and appends it if it is a packet.
    @inline(__always)
    private mutating func parse(
        _ bytes: UnsafeRawPointer, length: Int, _ frame: Frame, _ content: LinkLayer.Content
    ) -> UInt32 {
        var description = frame_description(
            time: frame.time, wire_length: frame.wireLength &- UInt32(truncatingIfNeeded: content.offset),
            ethertype: content.ethertype, vlan: 0, link: content.link, interface: content.interface)
        let packet = packets + count
        let snapshot = snapshots + snapshotCount
        var hasSnapshot = false
        let start = (bytes + content.offset).assumingMemoryBound(to: UInt8.self)
        let outcome = rstwho_parse_frame(
            start, UInt32(truncatingIfNeeded: length - content.offset), &description, &packet.pointee.record, snapshot,
            &hasSnapshot)
        guard outcome == 0 else { return outcome }
        packet.pointee.record.link_hash ^= content.senderHash
        packet.pointee.time = frame.time
        packet.pointee.frame = frames
        packet.pointee.headers = hasSnapshot ? UnsafePointer(snapshot) : nil
        snapshotCount &+= hasSnapshot ? 1 : 0
        count &+= 1
        return outcome
    }

    /// Moves the watermark on to `time` (ns since 1970), never back.
    mutating func advance(to time: UInt64) {
        watermark = max(watermark, time)
    }

    /// Hands over what is there, be it nothing, and is empty afterwards even where `handler` throws.
    mutating func deliver(bytesRead: UInt64, to handler: (PacketBatch) throws -> Void) throws {
        var batch = PacketBatch(
            packets: UnsafeBufferPointer(start: packets, count: count), watermark: watermark)
        batch.bytesRead = bytesRead
        batch.neighbours = takeNeighbours()
        count = 0
        snapshotCount = 0
        try handler(batch)
    }

    var counters: CaptureFileCounters {
        var counters = CaptureFileCounters()
        counters.frames = frames
        counters.parsed = outcomes[0]
        for index in 1..<counters.refused.count {
            counters.refused[index] = outcomes[index]
        }
        for index in counters.linkRefused.indices {
            counters.linkRefused[index] = outcomes[counters.refused.count + index]
        }
        return counters
    }
}
