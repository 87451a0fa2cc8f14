// SPDX-License-Identifier: Apache-2.0
internal import Packets

extension FrameBuilder {
    /// The frame as captured: cut where the builder was told to.
    package var bytes: [UInt8] {
        let whole = wholeBytes
        return cut.map { Array(whole.prefix($0)) } ?? whole
    }

    /// The length on the wire.
    package var wireLength: Int { wholeBytes.count }

    private var wholeBytes: [UInt8] {
        var built: [UInt8] = []
        for index in layers.indices.reversed() {
            built = encode(index, payload: built)
        }
        return built
    }

    private func next(_ index: Int) -> FrameLayer? { index + 1 < layers.count ? layers[index + 1] : nil }

    private func isWithinIPv6(_ index: Int) -> Bool {
        if case .ipv6 = layers[..<index].last(where: \.isIP) { return true }
        return false
    }

    private func nextProtocol(_ index: Int, inIPv6: Bool) -> UInt8 {
        next(index)?.protocolNumber(inIPv6: inIPv6) ?? 59
    }

    private func encode(_ index: Int, payload: [UInt8]) -> [UInt8] {
        let ethertype = next(index)?.ethertype ?? 0
        switch layers[index] {
        case .ethernet(let source, let destination, let lie):
            return destination.bytes + source.bytes + (lie ?? ethertype).bigEndianBytes + payload
        case .tag(_, let control, let lie):
            return control.bigEndianBytes + (lie ?? ethertype).bigEndianBytes + payload
        case .mpls(let label, let ttl):
            var isBottom = true
            if case .mpls = next(index) { isBottom = false }
            return (label << 12 | (isBottom ? 0x100 : 0) | UInt32(ttl)).bigEndianBytes + payload
        case .pppoe(let session, let lie):
            let field: UInt16 = lie ?? (ethertype == 0x86dd ? 0x0057 : ethertype == 0x8847 ? 0x0281 : 0x0021)
            let length = UInt16(truncatingIfNeeded: payload.count + 2)
            return [0x11, 0] + session.bigEndianBytes + length.bigEndianBytes + field.bigEndianBytes + payload
        case .ipv4(let header):
            return header.encode(payload: payload, next: nextProtocol(index, inIPv6: false))
        case .ipv6(let header):
            return header.encode(payload: payload, next: nextProtocol(index, inIPv6: true))
        case .ipv6Extension(_, let words, let lie):
            let body = [UInt8](repeating: 0, count: 6 + 8 * Int(words))
            return [lie ?? nextProtocol(index, inIPv6: true), words] + body + payload
        case .ipv6Fragment(let offset, let identification):
            return [nextProtocol(index, inIPv6: true), 0] + offset.bigEndianBytes + identification.bigEndianBytes
                + payload
        case .authentication(let words):
            let body = [UInt8](repeating: 0xaa, count: 10 + 4 * Int(words))
            return [nextProtocol(index, inIPv6: isWithinIPv6(index)), words + 1] + body + payload
        case .tcp(let header):
            return checksummed(index, header.encode() + payload, at: 16, protocolNumber: 6)
        case .udp(let source, let destination):
            let length = UInt16(truncatingIfNeeded: payload.count + 8)
            let header = source.bigEndianBytes + destination.bigEndianBytes + length.bigEndianBytes + [0, 0]
            return checksummed(index, header + payload, at: 6, protocolNumber: 17)
        case .icmp(let type, let code, let rest):
            let header = [type, code, 0, 0] + rest.bigEndianBytes
            return checksummed(
                index, header + payload, at: 2, protocolNumber: isWithinIPv6(index) ? 58 : nil)
        case .bytes(let bytes):
            return bytes + payload
        default:
            return encodeTunnel(layers[index], ethertype: ethertype, payload: payload)
        }
    }

    private func encodeTunnel(_ layer: FrameLayer, ethertype: UInt16, payload: [UInt8]) -> [UInt8] {
        switch layer {
        case .gre(let checksum, let key, let sequence, let version, let lie):
            let flags: UInt16 =
                (checksum ? 0x8000 : 0) | (key == nil ? 0 : 0x2000) | (sequence == nil ? 0 : 0x1000) | version
            var header = flags.bigEndianBytes + (lie ?? ethertype).bigEndianBytes
            if checksum { header += [0, 0, 0, 0] }
            if let key { header += key.bigEndianBytes }
            if let sequence { header += sequence.bigEndianBytes }
            if checksum {
                header.replaceSubrange(4..<6, with: internetChecksum(header + payload).bigEndianBytes)
            }
            return header + payload
        case .erspan(let version, let session, let subheader):
            if version == 0 { return [0, 0, 0x88, 0xbe] + payload }
            let first = (UInt32(version) << 28 | UInt32(session & 0x3ff)).bigEndianBytes
            if version == 1 { return [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1] + first + [0, 0, 0, 0] + payload }
            let rest: [UInt8] =
                [0, 0, 0, 0, 0, 0, 0, subheader ? 1 : 0] + (subheader ? Array(repeating: 0, count: 8) : [])
            return [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1] + first + rest + payload
        case .vxlan(let identifier, let flags):
            return [flags, 0, 0, 0] + (identifier << 8).bigEndianBytes + payload
        case .geneve(let identifier, let words, let lie):
            let options = [UInt8](repeating: 0, count: 4 * Int(words))
            return [words & 0x3f, 0] + (lie ?? ethertype).bigEndianBytes + (identifier << 8).bigEndianBytes + options
                + payload
        case .teredo(let authentication, let origin):
            let first: [UInt8] = authentication ? [0, 1, 2, 3] + Array(repeating: 0x55, count: 5 + 9) : []
            let second: [UInt8] = origin ? [0, 0, 1, 2, 3, 4, 5, 6] : []
            return first + second + payload
        case .gtpu(let tunnel, let sequence, let messageType):
            let optional: [UInt8] = sequence.map { $0.bigEndianBytes + [0, 0] } ?? []
            let length = UInt16(truncatingIfNeeded: payload.count + optional.count)
            return [sequence == nil ? 0x30 : 0x32, messageType] + length.bigEndianBytes + tunnel.bigEndianBytes
                + optional + payload
        default:
            return payload
        }
    }

    /// Puts the checksum in at `offset`; with the pseudo-header of the IP layer before where `protocolNumber` is given.
    private func checksummed(_ index: Int, _ segment: [UInt8], at offset: Int, protocolNumber: UInt8?) -> [UInt8] {
        var covered = segment
        if let protocolNumber {
            let addresses: [UInt8] =
                switch layers[..<index].last(where: \.isIP) {
                case .ipv4(let header): header.source.wireBytes + header.destination.wireBytes
                case .ipv6(let header): header.source.wireBytes + header.destination.wireBytes
                default: []
                }
            covered += addresses.isEmpty ? [] : padded(segment.count) + addresses
            covered += UInt32(segment.count).bigEndianBytes + [0, 0, 0, protocolNumber]
        }
        var result = segment
        result.replaceSubrange(offset..<offset + 2, with: internetChecksum(covered).bigEndianBytes)
        return result
    }

    private func padded(_ count: Int) -> [UInt8] { count.isMultiple(of: 2) ? [] : [0] }
}

extension IPv4Layer {
    func encode(payload: [UInt8], next: UInt8) -> [UInt8] {
        let options = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        let length = UInt16(truncatingIfNeeded: 20 + options.count + payload.count)
        var header: [UInt8] = [version << 4 | (ihl ?? UInt8(truncatingIfNeeded: 5 + options.count / 4)) & 15, tos]
        header += (totalLength ?? length).bigEndianBytes + identification.bigEndianBytes + flags.bigEndianBytes
        header += [ttl, protocolNumber ?? next, 0, 0] + source.wireBytes + destination.wireBytes + options
        header.replaceSubrange(10..<12, with: internetChecksum(header).bigEndianBytes)
        return header + payload
    }
}

extension IPv6Layer {
    func encode(payload: [UInt8], next: UInt8) -> [UInt8] {
        let first = UInt32(version) << 28 | UInt32(trafficClass) << 20 | flowLabel & 0xf_ffff
        let length = payloadLength ?? UInt16(truncatingIfNeeded: payload.count)
        return first.bigEndianBytes + length.bigEndianBytes + [nextHeader ?? next, hopLimit] + source.wireBytes
            + destination.wireBytes + payload
    }
}

extension TCPLayer {
    func encode() -> [UInt8] {
        let options = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        let words = dataOffset ?? UInt8(truncatingIfNeeded: 5 + options.count / 4)
        return sourcePort.bigEndianBytes + destinationPort.bigEndianBytes + seq.bigEndianBytes + ack.bigEndianBytes
            + [words << 4, flags.rawValue] + window.bigEndianBytes + [0, 0, 0, 0] + options
    }
}

extension IPAddress {
    var wireBytes: [UInt8] {
        isIPv4
            ? UInt32(truncatingIfNeeded: low).bigEndianBytes : high.bigEndianBytes + low.bigEndianBytes
    }
}

extension FixedWidthInteger {
    var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

/// The Internet checksum of RFC 1071 over `bytes`, an odd last byte padded with zero.
func internetChecksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
        sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
        sum = sum & 0xffff + sum >> 16
    }
    return ~UInt16(truncatingIfNeeded: sum)
}
