// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Diagnosis
internal import Packets

/// A packet as a frame: from the snapshot of its headers, or rebuilt from its record.
struct EvidenceFrame {
    /// LINKTYPE values (www.tcpdump.org, "Link-layer header types").
    enum Link: UInt16 {
        case ethernet = 1
        case raw = 101
    }

    var link: Link
    /// Headers only.
    var bytes: [UInt8]
    /// The length of the frame on the wire.
    var wireLength: Int

    /// The frame that a snapshot was taken of, with the tag that the device kept beside it.
    init(_ snapshot: HeaderSnapshot) {
        var snapshot = snapshot
        let kept = withUnsafeBytes(of: &snapshot.bytes) { Array($0.prefix(Int(snapshot.length))) }
        wireLength = Int(snapshot.wire_length)
        guard UInt32(snapshot.link_type) == PACKET_LINK_ETHERNET.rawValue else {
            link = .raw
            // Behind a link header of another kind tags or labels may come first: the IP header is what counts.
            let start = kept.first.map { $0 >> 4 == 4 || $0 >> 4 == 6 } == true ? 0 : Int(snapshot.network_offset)
            bytes = Array(kept.dropFirst(start))
            wireLength -= start
            return
        }
        link = .ethernet
        bytes = kept
        if snapshot.vlan & UInt16(HEADER_SNAPSHOT_VLAN_PRESENT) != 0, kept.count >= 12 {
            bytes.insert(contentsOf: [0x81, 0x00] + Self.big(snapshot.vlan & 0x0fff), at: 12)
            wireLength += 4
        }
    }

    /// A frame with the fields that a record has; what it does not have is 0: MAC addresses, options, the transport's
    /// checksum.
    ///
    /// - `link`: what the other frames of its interface begin with.
    /// - `vlan`: its VLAN, where it is known.
    init(_ record: PacketRecord, link: Link, vlan: UInt16?) {
        let transport = Self.transportHeader(record)
        let payload = Int(record.payload_length)
        self.link = link
        bytes = []
        if link == .ethernet {
            bytes += [UInt8](repeating: 0, count: 12)
            if let vlan { bytes += [0x81, 0x00] + Self.big(vlan) }
            bytes += record.isIPv6 ? [0x86, 0xdd] : [0x08, 0x00]
        }
        bytes += Self.networkHeader(record, length: transport.count + payload) + transport
        wireLength = bytes.count + payload
    }

    /// RFC 791 and RFC 8200.
    private static func networkHeader(_ record: PacketRecord, length: Int) -> [UInt8] {
        let number: UInt8 =
            switch record.transport {
            case .udp: 17
            case .icmp: 1
            case .icmpv6: 58
            case .tcp, .other: 6
            }
        if record.isIPv6 {
            let first = 6 << 28 | UInt32(record.tos) << 20 | record.identification
            return big(first) + big(UInt16(clamping: length)) + [number, record.ttl]
                + big(record.src_high) + big(record.src_low) + big(record.dst_high) + big(record.dst_low)
        }
        let fragment: UInt16 = (record.dontFragment ? 0x4000 : 0) | (record.isFirstFragment ? 0x2000 : 0)
        var header: [UInt8] = [0x45, record.tos]
        header += big(UInt16(clamping: 20 + length)) + big(UInt16(truncatingIfNeeded: record.identification))
        header += big(fragment) + [record.ttl, number, 0, 0]
        header += big(UInt32(truncatingIfNeeded: record.src_low)) + big(UInt32(truncatingIfNeeded: record.dst_low))
        header.replaceSubrange(10..<12, with: big(checksum(header)))
        return header
    }

    /// RFC 9293, RFC 768, RFC 792 and RFC 4443, without options.
    private static func transportHeader(_ record: PacketRecord) -> [UInt8] {
        switch record.transport {
        case .udp:
            return big(record.src_port) + big(record.dst_port) + big(UInt16(clamping: Int(record.payload_length) + 8))
                + [0, 0]
        case .icmp, .icmpv6:
            let isEcho = record.packetClass != .icmp
            let rest = isEcho ? big(record.src_port) + big(UInt16(truncatingIfNeeded: record.seq)) : big(record.seq)
            return [record.icmpType, record.icmpCode, 0, 0] + rest
        case .tcp, .other:
            return big(record.src_port) + big(record.dst_port) + big(record.seq) + big(record.ack)
                + [0x50, record.flags] + big(record.window) + [0, 0, 0, 0]
        }
    }

    /// RFC 1071.
    private static func checksum(_ header: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: header.count - 1, by: 2) {
            sum += UInt32(header[index]) << 8 | UInt32(header[index + 1])
        }
        while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(truncatingIfNeeded: sum)
    }

    private static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
