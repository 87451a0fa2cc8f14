// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The TCP connections that a packet list has shown: a line of an application's protocol names no ports.
///
/// Bounded: 4,096 pairs of hosts; when one more comes all are forgotten.
struct PacketListConnections {
    private static let capacity = 4096

    private struct Pair: Hashable {
        var lower: IPAddress
        var higher: IPAddress
    }

    private struct Direction {
        var port: UInt16 = 0
        /// The sequence number that comes next; `nil` before a segment was shown.
        var next: UInt32?
        /// The newest acknowledgement of this direction.
        var ack: UInt32?
        /// Bytes of the frame before the payload, by the last line that shows both lengths.
        var headers: UInt32 = 54
    }

    private struct Connection {
        var lower = Direction()
        var higher = Direction()
        /// The hosts have more than one connection, so that a line without ports may be of any.
        var isAmbiguous = false
    }

    private var connections: [Pair: Connection] = [:]

    /// Protocols that run over TCP, by the beginnings of the names that Wireshark shows.
    static func isOverTCP(_ name: TextCursor) -> Bool {
        let names: [StaticString] = [
            // A segment of a reassembled message shows no ports either.
            "TCP", "TLS", "SSL", "HTTP", "SSH", "SMB", "SMTP", "IMAP", "POP", "FTP", "TELNET", "LDAP", "MySQL", "PGSQL",
            "TDS",
            "TNS", "MONGO", "RESP", "Redis", "AMQP", "Kafka", "BGP", "RTSP", "RDP", "TPKT", "COTP", "WebSocket", "MQTT",
            "Modbus", "NFS", "MSRPC", "DCERPC", "SIP/TCP", "VNC", "Git", "CQL", "ISAKMP/TCP", "NBSS", "SOCKS", "IRC",
        ]
        return names.contains { name.starts(with: $0) }
    }

    /// Takes note of a segment with all of its fields.
    mutating func note(_ packet: PrintedPacket, length: UInt32?) {
        guard let source = packet.source, let destination = packet.destination, let sourcePort = packet.sourcePort,
            let destinationPort = packet.destinationPort, let seq = packet.seq, let flags = packet.flags
        else { return }
        let isLower = source < destination
        let pair = isLower ? Pair(lower: source, higher: destination) : Pair(lower: destination, higher: source)
        if connections.count >= Self.capacity, connections[pair] == nil { connections.removeAll(keepingCapacity: true) }
        var connection = connections[pair] ?? Connection()
        let lowerPort = isLower ? sourcePort : destinationPort
        let higherPort = isLower ? destinationPort : sourcePort
        if connections[pair] != nil, connection.lower.port != lowerPort || connection.higher.port != higherPort {
            connection.isAmbiguous = true
        }
        connection.lower.port = lowerPort
        connection.higher.port = higherPort
        let next = seq &+ packet.payloadLength &+ (flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1)
        var direction = isLower ? connection.lower : connection.higher
        direction.next = next
        if let ack = packet.ack { direction.ack = ack }
        if flags.isDisjoint(with: [.syn, .rst]), let length, length > packet.payloadLength {
            direction.headers = min(length - packet.payloadLength, 200)
        }
        if isLower { connection.lower = direction } else { connection.higher = direction }
        connections[pair] = connection
    }

    /// Fills in what the line of an application's protocol does not show, where there is one connection only.
    mutating func complete(_ packet: inout PrintedPacket, length: UInt32?) {
        guard let source = packet.source, let destination = packet.destination else { return }
        let isLower = source < destination
        let pair = isLower ? Pair(lower: source, higher: destination) : Pair(lower: destination, higher: source)
        guard var connection = connections[pair], !connection.isAmbiguous else {
            packet.sourcePort = nil
            return
        }
        var own = isLower ? connection.lower : connection.higher
        let other = isLower ? connection.higher : connection.lower
        guard let seq = own.next, let ack = own.ack else { return }
        packet.sourcePort = own.port
        packet.destinationPort = other.port
        packet.flags = [.psh, .ack]
        packet.seq = seq
        packet.ack = ack
        if let length, length > own.headers { packet.payloadLength = length - own.headers }
        own.next = seq &+ packet.payloadLength
        if isLower { connection.lower = own } else { connection.higher = own }
        connections[pair] = connection
    }
}
