// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// IEEE 802.11 and what capture tools put before it.
extension LinkLayer {
    /// A MAC frame (IEEE 802.11-2020, 9.2.4): only unencrypted data frames carry something to read.
    static func openWireless(
        _ bytes: UnsafeRawBufferPointer, at start: Int, isPadded: Bool, content: inout Content
    ) -> UInt32 {
        guard bytes.count >= start + 2 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        let control = bytes[start]
        let flags = bytes[start + 1]
        // Protocol version 0, type "data", not one of the subtypes without data.
        guard control & 0x03 == 0, control & 0x0c == 0x08, control & 0x40 == 0 else {
            return LinkRefusal.wirelessNoData.outcome
        }
        if flags & 0x40 != 0 { return LinkRefusal.wirelessEncrypted.outcome }
        let isQoS = control & 0x80 != 0
        var header = 24
        // From one access point to another: a fourth address.
        if flags & 0x03 == 0x03 { header += 6 }
        let qosControl = start + header
        if isQoS { header += 2 }
        // "+HTC/Order" in a QoS frame: an HT control field.
        if isQoS && flags & 0x80 != 0 { header += 4 }
        guard bytes.count >= start + header else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        if isQoS && bytes[qosControl] & 0x80 != 0 { return LinkRefusal.wirelessAggregated.outcome }
        // Fragment number: only the first fragment has the headers.
        if bytes[start + 22] & 0x0f != 0 { return PACKET_REFUSED_LATER_FRAGMENT.rawValue }
        if isPadded { header = (header + 3) & ~3 }
        return openLLC(bytes, at: start + header, content: &content)
    }

    /// LLC with SNAP (RFC 1042): an Ethertype behind six known bytes.
    ///
    /// Without SNAP it is not IP.
    static func openLLC(_ bytes: UnsafeRawBufferPointer, at offset: Int, content: inout Content) -> UInt32 {
        guard bytes.count >= offset + 8 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        let isSNAP = bytes[offset] == 0xaa && bytes[offset + 1] == 0xaa && bytes[offset + 2] == 0x03
        // Encapsulated Ethernet, plain or bridged (IEEE 802.1H).
        let organisation = load16(bytes, offset + 3)
        let last = bytes[offset + 5]
        guard isSNAP, organisation == 0, last == 0 || last == 0xf8 else { return PACKET_REFUSED_NOT_IP.rawValue }
        return content.found(at: offset + 8, ethertype: load16(bytes, offset + 6))
    }

    /// Radiotap: version, padding, length, presence words, fields in the order of their bits, each aligned.
    static func openRadiotap(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 8 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        let length = Int(load16(bytes, 2).byteSwapped)
        guard length >= 8, length <= bytes.count else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        let present = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self).littleEndian
        var field = 8
        var word = present
        // Bit 31: another presence word follows. Bounded by the header's length.
        while word & 0x8000_0000 != 0 {
            guard field + 4 <= length else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            word = bytes.loadUnaligned(fromByteOffset: field, as: UInt32.self).littleEndian
            field += 4
        }
        // Bit 0: a time of eight bytes. Bit 1: flags.
        if present & 1 != 0 { field = ((field + 7) & ~7) + 8 }
        var flags: UInt8 = 0
        if present & 2 != 0 {
            guard field < length else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
            flags = bytes[field]
        }
        if flags & 0x40 != 0 { return LinkRefusal.wirelessBadChecksum.outcome }
        return openWireless(bytes, at: length, isPadded: flags & 0x20 != 0, content: &content)
    }

    /// The Prism header has its length in the byte order of the machine that captured; AVS comes under the same link
    /// type too, and has a magic number and a length in network order.
    static func openPrism(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 8 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        let magic = bytes.loadUnaligned(as: UInt32.self).bigEndian
        var length = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian
        if magic & 0xffff_f000 != 0x8021_1000 && length > 0xffff { length = length.byteSwapped }
        guard length >= 8, length <= bytes.count else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        return openWireless(bytes, at: Int(length), isPadded: false, content: &content)
    }

    /// Per-packet information: a header that names the link type of what follows it.
    static func openPPI(_ bytes: UnsafeRawBufferPointer, content: inout Content) -> UInt32 {
        guard bytes.count >= 8 else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        let length = Int(load16(bytes, 2).byteSwapped)
        let linkType = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self).littleEndian
        guard length >= 8, length <= bytes.count else { return PACKET_REFUSED_TRUNCATED_LINK.rawValue }
        switch LinkLayer(linkType: UInt16(truncatingIfNeeded: min(linkType, 0xffff))) {
        case .wireless: return openWireless(bytes, at: length, isPadded: false, content: &content)
        case .ip: return content.foundIP(at: length)
        case .ethernet:
            content.offset = length
            return PACKET_PARSED.rawValue
        default: return LinkRefusal.unknownLinkType.outcome
        }
    }
}
