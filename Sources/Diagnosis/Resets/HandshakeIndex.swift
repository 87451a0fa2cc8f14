// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The newest handshakes by client, its port and the service's port, whatever the server's address: a reset that goes
/// on in the numbers of a connection with another address shows that address translation missed a packet.
///
/// A fixed table; a newer handshake overwrites an older one in its place.
struct HandshakeIndex: ~Copyable {
    private static let places = 2048
    /// A sequence number belongs to a connection up to this far behind its first.
    private static let reach: UInt32 = 1 << 20

    struct Handshake: BitwiseCopyable {
        var client = IPAddress(high: 0, low: 0)
        var server = IPAddress(high: 0, low: 0)
        var clientPort: UInt16 = 0
        var serverPort: UInt16 = 0
        var clientSeq: UInt32 = 0
        var serverSeq: UInt32 = 0
        var isUsed = false
        var isAnswered = false
    }

    private let handshakes = FixedTable(repeating: Handshake(), count: places)
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
    }

    /// Remembers a SYN or SYN-ACK.
    ///
    /// A SYN that is seen once more on its way to another address stays that of the first.
    mutating func note(_ record: PacketRecord) {
        if record.tcpFlags.contains(.ack) {
            let place = place(record.destination, record.dst_port, record.src_port)
            guard Self.isOf(place.pointee, record.destination, record.dst_port, record.src_port),
                place.pointee.server == record.source, place.pointee.clientSeq &+ 1 == record.ack
            else { return }
            place.pointee.serverSeq = record.seq
            place.pointee.isAnswered = true
            return
        }
        let place = place(record.source, record.src_port, record.dst_port)
        if Self.isOf(place.pointee, record.source, record.src_port, record.dst_port),
            place.pointee.clientSeq == record.seq
        {
            return
        }
        place.pointee = Handshake(
            client: record.source, server: record.destination, clientPort: record.src_port, serverPort: record.dst_port,
            clientSeq: record.seq, isUsed: true)
    }

    /// The other address under which the connection of a reset was opened; `nil` where there is none.
    func otherAddress(of reset: PacketRecord) -> IPAddress? {
        // The client resets an answer that came from another address than it had called.
        let called = place(reset.source, reset.src_port, reset.dst_port).pointee
        if Self.isOf(called, reset.source, reset.src_port, reset.dst_port), called.server != reset.destination,
            reset.seq == called.clientSeq &+ 1
        {
            return called.server
        }
        // The server's reset left under its own address.
        let answered = place(reset.destination, reset.dst_port, reset.src_port).pointee
        guard Self.isOf(answered, reset.destination, reset.dst_port, reset.src_port), answered.isAnswered,
            answered.server != reset.source
        else { return nil }
        let distance = reset.seq &- answered.serverSeq
        return distance > 0 && distance < Self.reach ? answered.server : nil
    }

    private static func isOf(_ handshake: Handshake, _ client: IPAddress, _ clientPort: UInt16, _ serverPort: UInt16)
        -> Bool
    {
        handshake.isUsed && handshake.client == client && handshake.clientPort == clientPort
            && handshake.serverPort == serverPort
    }

    private func place(
        _ client: IPAddress, _ clientPort: UInt16, _ serverPort: UInt16
    ) -> UnsafeMutablePointer<Handshake> {
        var hash = TableHash(seed: seed)
        hash.combine(client.high ^ UInt64(clientPort) << 16 ^ UInt64(serverPort))
        hash.combine(client.low)
        return handshakes[Int(truncatingIfNeeded: hash.value)]
    }
}
