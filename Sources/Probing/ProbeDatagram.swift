// SPDX-License-Identifier: Apache-2.0
package import Packets

/// A probe's packet as bytes, from the IP header on.
package struct ProbeDatagram: Sendable {
    package enum Payload: Sendable {
        /// A SYN with the options of an ordinary client.
        case syn(sequence: UInt32)
        /// An echo request.
        ///
        /// All of one flow have the same checksum: it stands where other protocols have their ports, and routers that
        /// balance look there.
        case echo(sequence: UInt16, token: UInt32, checksum: UInt16)
        /// A datagram whose payload is such that it has this checksum.
        case udp(checksum: UInt16)
    }

    package var source: IPAddress
    package var destination: IPAddress
    package var ttl: UInt8
    /// IPv4 only; must not be 0, or the kernel would choose one.
    package var identification: UInt16
    /// IPv6 only.
    package var flowLabel: UInt32
    /// The port, or the identifier of an echo.
    package var sourcePort: UInt16
    package var destinationPort: UInt16
    package var payload: Payload

    package init(
        source: IPAddress, destination: IPAddress, ttl: UInt8, identification: UInt16, flowLabel: UInt32,
        sourcePort: UInt16, destinationPort: UInt16, payload: Payload
    ) {
        self.source = source
        self.destination = destination
        self.ttl = ttl
        self.identification = identification
        self.flowLabel = flowLabel
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.payload = payload
    }

    private var isIPv6: Bool { !destination.isIPv4 }

    private var nextProtocol: UInt8 {
        switch payload {
        case .syn: 6
        case .udp: 17
        case .echo: isIPv6 ? 58 : 1
        }
    }

    /// The packet, its checksums included.
    package var bytes: [UInt8] {
        let transport = transportBytes
        var bytes: [UInt8] = []
        if isIPv6 {
            bytes.append(big: 0x6000_0000 | flowLabel & 0xf_ffff)
            bytes.append(big: UInt16(transport.count))
            bytes += [nextProtocol, ttl]
        } else {
            bytes += [0x45, 0]
            bytes.append(big: UInt16(20 + transport.count))
            bytes.append(big: identification)
            // DF, as every client sends it.
            bytes += [0x40, 0, ttl, nextProtocol, 0, 0]
        }
        bytes += addresses
        if !isIPv6 {
            let sum = ~Self.sum(bytes)
            bytes[10] = UInt8(sum >> 8)
            bytes[11] = UInt8(truncatingIfNeeded: sum)
        }
        return bytes + transport
    }

    private var addresses: [UInt8] {
        var bytes: [UInt8] = []
        for address in [source, destination] {
            if isIPv6 { bytes.append(big: address.high) }
            if isIPv6 {
                bytes.append(big: address.low)
            } else {
                bytes.append(big: UInt32(truncatingIfNeeded: address.low))
            }
        }
        return bytes
    }

    private var transportBytes: [UInt8] {
        switch payload {
        case .syn(let sequence):
            var bytes: [UInt8] = []
            bytes.append(big: sourcePort)
            bytes.append(big: destinationPort)
            bytes.append(big: sequence)
            // No ack, 8 words, SYN, window 64240; then MSS 1460 or 1440, window scale 7, and SACK.
            bytes += [0, 0, 0, 0, 0x80, 0x02, 0xfa, 0xf0, 0, 0, 0, 0]
            bytes += [2, 4, 5, isIPv6 ? 0xa0 : 0xb4, 1, 3, 3, 7, 1, 1, 4, 2]
            let sum = ~Self.sum(pseudoHeader(length: bytes.count) + bytes)
            bytes[16] = UInt8(sum >> 8)
            bytes[17] = UInt8(truncatingIfNeeded: sum)
            return bytes
        case .udp(let checksum):
            var bytes: [UInt8] = []
            bytes.append(big: sourcePort)
            bytes.append(big: destinationPort)
            bytes += [0, 12, 0, 0, 0, 0, 0, 0]
            // 0 would mean that there is none.
            Self.settle(&bytes, checksum: max(checksum, 1), at: 6, before: pseudoHeader(length: bytes.count))
            return bytes
        case .echo(let sequence, let token, let checksum):
            var bytes: [UInt8] = [isIPv6 ? 128 : 8, 0, 0, 0]
            bytes.append(big: sourcePort)
            bytes.append(big: sequence)
            bytes.append(big: token)
            bytes += [0, 0, 0, 0]
            Self.settle(&bytes, checksum: checksum, at: 2, before: isIPv6 ? pseudoHeader(length: bytes.count) : [])
            return bytes
        }
    }

    /// RFC 9293, 3.1 and RFC 8200, 8.1.
    private func pseudoHeader(length: Int) -> [UInt8] {
        var bytes = addresses
        bytes.append(big: UInt32(length))
        bytes.append(big: UInt32(nextProtocol))
        return bytes
    }

    /// Writes `checksum` at `offset` and chooses the last two bytes so that it is right.
    private static func settle(_ bytes: inout [UInt8], checksum: UInt16, at offset: Int, before header: [UInt8]) {
        bytes[offset] = UInt8(checksum >> 8)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: checksum)
        // All words together have to sum up to 0xffff (RFC 1071).
        let rest = ~sum(header + bytes)
        bytes[bytes.count - 2] = UInt8(rest >> 8)
        bytes[bytes.count - 1] = UInt8(truncatingIfNeeded: rest)
    }

    /// The one's complement sum of 16-bit words (RFC 1071) of an even number of bytes.
    private static func sum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count - 1, by: 2) {
            sum += UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
        }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return UInt16(sum)
    }
}

extension [UInt8] {
    fileprivate mutating func append(big value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
