// SPDX-License-Identifier: Apache-2.0
package import CPacket

/// The headers of a reset, a handshake or an ICMP packet: `struct header_snapshot` of `bpf/packet_record.h`.
package typealias HeaderSnapshot = header_snapshot

extension HeaderSnapshot {
    /// Calls `body` with the bytes that are valid.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: bytes) { all in
            // `length` comes from the kernel part or the host parser; the bound holds whatever it says.
            body(UnsafeRawBufferPointer(rebasing: all.prefix(Int(length))))
        }
    }

    static func load16(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt16? {
        guard offset >= 0, offset + 2 <= bytes.count else { return nil }
        return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    static func load32(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32? {
        guard let high = load16(bytes, at: offset), let low = load16(bytes, at: offset + 2) else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    /// The source MAC address in the frame's Ethernet header as `02:00:00:00:00:01`: the next hop towards the sender.
    package var sourceMAC: String? {
        guard link_type == UInt8(PACKET_LINK_ETHERNET.rawValue) else { return nil }
        return withBytes { bytes in
            guard bytes.count >= 12 else { return nil }
            return bytes[6..<12].map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
                .joined(separator: ":")
        }
    }

    /// Source and destination MAC addresses of the frame's Ethernet header, 48 bits each.
    package var linkAddresses: (from: UInt64, to: UInt64)? {
        guard link_type == UInt8(PACKET_LINK_ETHERNET.rawValue) else { return nil }
        return withBytes { bytes in
            guard bytes.count >= 12 else { return nil }
            let to = bytes[0..<6].reduce(0) { $0 << 8 | UInt64($1) }
            let from = bytes[6..<12].reduce(0) { $0 << 8 | UInt64($1) }
            return (from, to)
        }
    }

    /// The VLAN ID of the outermost 802.1Q or 802.1ad tag, in the bytes or beside them.
    package var vlanID: UInt16? {
        if vlan & UInt16(HEADER_SNAPSHOT_VLAN_PRESENT) != 0 { return vlan & 0x0fff }
        guard link_type == UInt8(PACKET_LINK_ETHERNET.rawValue) else { return nil }
        return withBytes { bytes in
            guard let type = Self.load16(bytes, at: 12), type == 0x8100 || type == 0x88a8 || type == 0x9100,
                let tag = Self.load16(bytes, at: 14)
            else { return nil }
            return tag & 0x0fff
        }
    }

    /// TSval and TSecr of the TCP timestamps option (RFC 7323, 3.2), if there is one.
    package var tcpTimestamps: (value: UInt32, echo: UInt32)? {
        tcpOption(8) { bytes, offset in
            guard let value = Self.load32(bytes, at: offset + 2), let echo = Self.load32(bytes, at: offset + 6) else {
                return nil
            }
            return (value, echo)
        }
    }

    /// The kinds of the TCP options in their order, a hexadecimal digit each (15 for all from 15 on), the first ten:
    /// `0x24813` is MSS, SACK permitted, timestamps, NOP, window scale.
    package var tcpOptionOrder: UInt64 {
        withBytes { bytes in
            let start = Int(transport_offset)
            guard start + 20 <= bytes.count else { return 0 }
            let end = min(start + Int(bytes[start + 12] >> 4) * 4, bytes.count)
            var (order, offset, count) = (UInt64(0), start + 20, 0)
            while offset < end, bytes[offset] != 0, count < 10 {
                order = order << 4 | UInt64(min(bytes[offset], 15))
                count += 1
                if bytes[offset] == 1 {
                    offset += 1
                } else {
                    guard offset + 1 < end, bytes[offset + 1] >= 2 else { return order }
                    offset += Int(bytes[offset + 1])
                }
            }
            return order
        }
    }

    /// The maximum segment size option (RFC 9293, 3.7.1), if there is one.
    package var maximumSegmentSize: UInt16? {
        tcpOption(2) { bytes, offset in Self.load16(bytes, at: offset + 2) }
    }

    /// The option that signs the connection's segments, if there is one: MD5 (RFC 2385) or TCP-AO (RFC 5925).
    package var tcpSignature: TCPSignature? {
        if tcpOption(29, { _, offset in offset }) != nil { return .authentication }
        return tcpOption(19, { _, offset in offset }) != nil ? .md5 : nil
    }

    /// The options of a SYN or SYN-ACK that devices on the path change.
    package var synOptions: SYNOptions {
        var options = SYNOptions()
        options.windowScale = tcpOption(3) { bytes, offset in offset + 2 < bytes.count ? bytes[offset + 2] : nil }
        options.allowsSelectiveAcknowledgement = tcpOption(4) { _, offset in offset } != nil
        options.hasTimestamps = tcpOption(8) { _, offset in offset } != nil
        options.signature = tcpSignature
        options.isMultipath = tcpOption(30) { _, offset in offset } != nil
        return options
    }

    /// The reason of an MP_TCPRST option (RFC 8684, 3.6): option 30, subtype 8.
    package var multipathResetReason: UInt8? {
        tcpOption(30) { bytes, offset in
            guard offset + 4 <= bytes.count, bytes[offset + 1] == 4, bytes[offset + 2] >> 4 == 8 else { return nil }
            return bytes[offset + 3]
        }
    }

    /// The payload of a reset as far as it was kept and is printable ASCII; `nil` where there is none or it is not
    /// text.
    package var resetText: String? {
        withBytes { bytes in
            let start = Int(transport_offset)
            guard start + 20 <= bytes.count else { return nil }
            let payload = start + Int(bytes[start + 12] >> 4) * 4
            guard payload >= start + 20, payload < bytes.count else { return nil }
            let text = bytes[payload...].prefix { (0x20...0x7e).contains($0) }
            return text.count >= 4 ? String(decoding: text, as: UTF8.self) : nil
        }
    }

    /// The reason code in the diagnostic payload of a reset: the magic number 0x33AA, then the code.
    package var resetDiagnosticCode: UInt16? {
        withBytes { bytes in
            let start = Int(transport_offset)
            guard start + 20 <= bytes.count else { return nil }
            let payload = start + Int(bytes[start + 12] >> 4) * 4
            guard payload >= start + 20, Self.load16(bytes, at: payload) == 0x33aa else { return nil }
            return Self.load16(bytes, at: payload + 2)
        }
    }

    /// Returns the result of `read` for the first TCP option of that kind (RFC 9293, 3.2); `read` gets the headers and
    /// the option's offset.
    private func tcpOption<Result>(_ kind: UInt8, _ read: (UnsafeRawBufferPointer, Int) -> Result?) -> Result? {
        withBytes { bytes in
            let start = Int(transport_offset)
            guard start + 20 <= bytes.count else { return nil }
            let end = min(start + Int(bytes[start + 12] >> 4) * 4, bytes.count)
            var offset = start + 20
            while offset < end, bytes[offset] != 0 {
                if bytes[offset] == kind { return read(bytes, offset) }
                if bytes[offset] == 1 {
                    offset += 1
                } else {
                    guard offset + 1 < end, bytes[offset + 1] >= 2 else { return nil }
                    offset += Int(bytes[offset + 1])
                }
            }
            return nil
        }
    }
}
