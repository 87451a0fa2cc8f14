// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The packet that an ICMP error quotes, as far as a text tells it.
struct TextQuote {
    var source: IPAddress
    var destination: IPAddress
    var isIPv6 = false
    var ipProtocol: UInt8 = 0
    /// 0 where it was not printed.
    var ttl: UInt8 = 0
    var identification: UInt16 = 0
    /// Source and destination port, or an echo's identifier twice.
    var ports: (source: UInt16, destination: UInt16)?
    var seq: UInt32 = 0
    var ack: UInt32 = 0
    var flags: UInt8 = 0
    var window: UInt16 = 0
}

/// TCP options that a text tells.
struct TextTCPOptions {
    var timestamps: (value: UInt32, echo: UInt32)?
    var segmentSize: UInt16?
    var isEmpty: Bool { timestamps == nil && segmentSize == nil }
}

extension HeaderSnapshot {
    /// Writes the headers of a record as they would have been captured without link header: those of IP and TCP or
    /// ICMP, with `options`, or with what an ICMP error quotes.
    ///
    /// What a text does not tell is 0.
    mutating func fill(_ record: PacketRecord, time: UInt64, options: TextTCPOptions, quote: TextQuote?) {
        self.time = time
        link_type = UInt8(PACKET_LINK_IP.rawValue)
        var writer = SnapshotWriter()
        let isTCP = record.transport == .tcp
        var tcpOptions: [UInt8] = []
        if let size = options.segmentSize { tcpOptions += [2, 4, UInt8(size >> 8), UInt8(truncatingIfNeeded: size)] }
        if let stamps = options.timestamps {
            tcpOptions += [1, 1, 8, 10]
            for value in [stamps.value, stamps.echo] {
                for shift in [24, 16, 8, 0] as [UInt32] { tcpOptions.append(UInt8(truncatingIfNeeded: value >> shift)) }
            }
        }
        let network: (identification: UInt16, fragment: UInt16) = (
            UInt16(truncatingIfNeeded: record.identification), record.dontFragment ? 0x4000 : 0
        )
        let ipProtocol: UInt8 =
            switch record.transport {
            case .tcp: 6
            case .udp: 17
            case .icmp: 1
            case .icmpv6: 58
            case .other: 0
            }
        writer.ip(
            from: record.source, to: record.destination, isIPv6: record.isIPv6, ipProtocol: ipProtocol,
            ttl: record.ttl, tos: record.tos, label: record.identification, network,
            payload: Int(record.payload_length) + (isTCP ? 20 + tcpOptions.count : 8))
        transport_offset = UInt16(writer.bytes.count)
        if isTCP {
            writer.tcp(
                (record.src_port, record.dst_port), seq: record.seq, ack: record.ack, flags: record.flags,
                window: record.window, options: tcpOptions)
        } else {
            writer.put16(record.window)
            writer.put16(0)
            writer.put32(record.seq)
        }
        if let quote {
            quote_offset = UInt16(writer.bytes.count)
            writer.ip(
                from: quote.source, to: quote.destination, isIPv6: quote.isIPv6, ipProtocol: quote.ipProtocol,
                ttl: quote.ttl, tos: 0, label: 0, (quote.identification, 0), payload: 20)
            if let ports = quote.ports {
                if quote.ipProtocol == 6 {
                    writer.tcp(
                        ports, seq: quote.seq, ack: quote.ack, flags: quote.flags, window: quote.window, options: [])
                } else if quote.ipProtocol == 1 || quote.ipProtocol == 58 {
                    writer.put16(quote.isIPv6 ? 128 << 8 : 8 << 8)
                    writer.put16(0)
                    writer.put16(ports.source)
                    writer.put16(UInt16(truncatingIfNeeded: quote.seq))
                } else {
                    writer.put16(ports.source)
                    writer.put16(ports.destination)
                    writer.put32(0)
                }
            }
        }
        length = UInt16(min(writer.bytes.count, Int(HEADER_SNAPSHOT_BYTES)))
        wire_length = UInt32(length)
        withUnsafeMutableBytes(of: &bytes) { space in
            space.copyBytes(from: writer.bytes.prefix(space.count))
        }
    }
}

/// Network byte order into an array.
private struct SnapshotWriter {
    var bytes: [UInt8] = []

    mutating func put16(_ value: UInt16) {
        bytes.append(UInt8(value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func put32(_ value: UInt32) {
        put16(UInt16(value >> 16))
        put16(UInt16(truncatingIfNeeded: value))
    }

    mutating func put64(_ value: UInt64) {
        put32(UInt32(value >> 32))
        put32(UInt32(truncatingIfNeeded: value))
    }

    mutating func ip(
        from: IPAddress, to: IPAddress, isIPv6: Bool, ipProtocol: UInt8, ttl: UInt8, tos: UInt8, label: UInt32,
        _ network: (identification: UInt16, fragment: UInt16), payload: Int
    ) {
        if isIPv6 {
            put32(6 << 28 | UInt32(tos) << 20 | label & 0xfffff)
            put16(UInt16(clamping: payload))
            bytes += [ipProtocol, ttl]
            for address in [from, to] {
                put64(address.high)
                put64(address.low)
            }
        } else {
            bytes += [0x45, tos]
            put16(UInt16(clamping: payload + 20))
            put16(network.identification)
            put16(network.fragment)
            bytes += [ttl, ipProtocol, 0, 0]
            put32(UInt32(truncatingIfNeeded: from.low))
            put32(UInt32(truncatingIfNeeded: to.low))
        }
    }

    mutating func tcp(
        _ ports: (source: UInt16, destination: UInt16), seq: UInt32, ack: UInt32, flags: UInt8, window: UInt16,
        options: [UInt8]
    ) {
        put16(ports.source)
        put16(ports.destination)
        put32(seq)
        put32(ack)
        bytes += [UInt8((20 + options.count) / 4) << 4, flags]
        put16(window)
        put32(0)
        bytes += options
    }
}
