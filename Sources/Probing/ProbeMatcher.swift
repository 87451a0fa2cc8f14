// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Diagnosis
package import Packets

/// Tells which packet of a probe an answer belongs to.
///
/// An answer counts only where it repeats what nobody off the path can know: the SYN's sequence number, in a RST's or
/// SYN-ACK's ack or in the quote of an ICMP error; identifier, sequence number and token of an echo; ports and IP-ID or
/// checksum of a datagram.
package struct ProbeMatcher: Sendable {
    private let options: ProbeOptions
    private let source: IPAddress
    private var numbers: [Key: Int] = [:]
    private var tokens: [Int: UInt32] = [:]
    /// Packets of the host to a port of ours that answer nothing that was sent: forged, or of a device that does not
    /// answer what it was asked.
    package private(set) var unmatched = 0

    private struct Key: Hashable {
        var transport: TransportProtocol
        var sourcePort: UInt16
        var destinationPort: UInt16
        var mark: UInt32
    }

    package init(_ options: ProbeOptions, source: IPAddress) {
        self.options = options
        self.source = source
    }

    private var isIPv6: Bool { !options.target.isIPv4 }
    private var echo: TransportProtocol { isIPv6 ? .icmpv6 : .icmp }

    /// `datagram` is about to be sent as packet `number`.
    package mutating func expect(_ datagram: ProbeDatagram, as number: Int) {
        let key: Key
        switch datagram.payload {
        case .syn(let sequence):
            key = Key(
                transport: .tcp, sourcePort: datagram.sourcePort, destinationPort: datagram.destinationPort,
                mark: sequence)
        case .udp(let checksum):
            key = Key(
                transport: .udp, sourcePort: datagram.sourcePort, destinationPort: datagram.destinationPort,
                mark: UInt32(isIPv6 ? checksum : datagram.identification))
        case .echo(let sequence, let token, _):
            key = Key(transport: echo, sourcePort: datagram.sourcePort, destinationPort: 0, mark: UInt32(sequence))
            tokens[number] = token
        }
        numbers[key] = number
    }

    /// The packet that `bytes`, from the IP header on, answer; `nil` where they answer none.
    package mutating func match(_ bytes: [UInt8]) -> (number: Int, answer: ProbeAnswer)? {
        var description = frame_description()
        description.wire_length = UInt32(clamping: bytes.count)
        description.link = UInt8(PACKET_LINK_IP.rawValue)
        var record = packet_record()
        var snapshot = header_snapshot()
        var hasSnapshot = false
        let refusal = bytes.withUnsafeBufferPointer { buffer in
            rstwho_parse_frame(
                buffer.baseAddress, UInt32(clamping: buffer.count), &description, &record, &snapshot, &hasSnapshot)
        }
        guard refusal == 0, record.tunnel == .none, record.destination == source else { return nil }
        let found: (number: Int, kind: ProbeAnswer.Kind)?
        switch record.transport {
        case .tcp: found = matchSegment(record)
        case .udp, .other: found = nil
        case .icmp, .icmpv6: found = hasSnapshot ? matchMessage(record, snapshot, bytes) : nil
        }
        guard let found else { return nil }
        // What this machine says of its own neighbours comes from its own address, on no wire.
        let isOwn = record.source == source
        return (
            found.number, ProbeAnswer(found.kind, from: record.source, distance: record.distance, isLocal: isOwn)
        )
    }

    private mutating func matchSegment(_ record: PacketRecord) -> (number: Int, kind: ProbeAnswer.Kind)? {
        guard record.source == options.target else { return nil }
        let flags = record.tcpFlags
        // Both acknowledge the SYN (RFC 9293, 3.10.7.1 and 3.10.7.2).
        let kind: ProbeAnswer.Kind? =
            flags.contains([.rst, .ack]) ? .reset : flags.contains([.syn, .ack]) ? .synAck : nil
        let key = Key(
            transport: .tcp, sourcePort: record.dst_port, destinationPort: record.src_port, mark: record.ack &- 1)
        guard let kind, let number = numbers[key] else {
            let isOurs = numbers.keys.contains {
                $0.transport == .tcp && $0.sourcePort == record.dst_port && $0.destinationPort == record.src_port
            }
            if isOurs { unmatched += 1 }
            return nil
        }
        return (number, kind)
    }

    private func matchMessage(
        _ record: PacketRecord, _ snapshot: HeaderSnapshot, _ bytes: [UInt8]
    ) -> (number: Int, kind: ProbeAnswer.Kind)? {
        let kind: ProbeAnswer.Kind
        switch (record.transport, record.icmpType) {
        case (.icmp, 0), (.icmpv6, 129):
            let key = Key(transport: echo, sourcePort: record.src_port, destinationPort: 0, mark: record.seq)
            guard record.source == options.target, let number = numbers[key],
                bytes.big32(at: Int(snapshot.transport_offset) + 8) == tokens[number]
            else { return nil }
            return (number, .echoReply)
        case (.icmp, 11), (.icmpv6, 3):
            // Code 1 is a fragment that was never completed.
            guard record.icmpCode == 0 else { return nil }
            kind = .timeExceeded
        case (.icmp, 3):
            // Fragmentation needed says nothing of the way of small packets.
            guard record.icmpCode != 4 else { return nil }
            kind = .unreachable(.init(code: record.icmpCode, isIPv6: false))
        case (.icmpv6, 1):
            kind = .unreachable(.init(code: record.icmpCode, isIPv6: true))
        default:
            return nil
        }
        guard let number = matchQuote(bytes, at: Int(snapshot.quote_offset)) else { return nil }
        return (number, kind)
    }

    /// The packet that an ICMP error quotes.
    ///
    /// Of its transport header at least 8 bytes are there (RFC 792).
    private func matchQuote(_ bytes: [UInt8], at offset: Int) -> Int? {
        guard offset > 0, let first = bytes.big16(at: offset).map({ $0 >> 8 }) else { return nil }
        let transport: Int
        let number: UInt8
        let destination: IPAddress
        if isIPv6 {
            guard first >> 4 == 6, bytes.count >= offset + 48, let high = bytes.big64(at: offset + 24),
                let low = bytes.big64(at: offset + 32)
            else { return nil }
            transport = offset + 40
            number = bytes[offset + 6]
            destination = IPAddress(high: high, low: low)
        } else {
            let length = Int(first & 15) * 4
            guard first >> 4 == 4, length >= 20, bytes.count >= offset + length + 8,
                let address = bytes.big32(at: offset + 16)
            else { return nil }
            transport = offset + length
            number = bytes[offset + 9]
            destination = IPAddress(v4: address)
        }
        guard destination == options.target, let sourcePort = bytes.big16(at: transport),
            let destinationPort = bytes.big16(at: transport + 2), let second = bytes.big32(at: transport + 4)
        else { return nil }
        let key: Key
        switch number {
        case 6:
            key = Key(transport: .tcp, sourcePort: sourcePort, destinationPort: destinationPort, mark: second)
        case 17:
            let mark = isIPv6 ? second & 0xffff : UInt32(bytes.big16(at: offset + 4) ?? 0)
            key = Key(transport: .udp, sourcePort: sourcePort, destinationPort: destinationPort, mark: mark)
        case 1, 58:
            key = Key(
                transport: echo, sourcePort: UInt16(second >> 16), destinationPort: 0, mark: second & 0xffff)
        default:
            return nil
        }
        return numbers[key]
    }
}

extension [UInt8] {
    fileprivate func big16(at offset: Int) -> UInt16? {
        guard offset >= 0, offset + 2 <= count else { return nil }
        return UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
    }

    fileprivate func big32(at offset: Int) -> UInt32? {
        guard let high = big16(at: offset), let low = big16(at: offset + 2) else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    fileprivate func big64(at offset: Int) -> UInt64? {
        guard let high = big32(at: offset), let low = big32(at: offset + 4) else { return nil }
        return UInt64(high) << 32 | UInt64(low)
    }
}
