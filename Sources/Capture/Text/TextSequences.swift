// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Makes absolute sequence numbers of the relative ones that tcpdump prints without `-S`.
///
/// tcpdump keeps, per connection, the numbers of the first segment with ACK (and of each later one with SYN and ACK)
/// and prints the following ones as the difference (print-tcp.c). Here the same table is kept, so that the difference
/// can be added again. Limits:
///
/// - A bare ACK has no sequence number in the text. Where the direction's data has been seen, it gets the one that
/// comes   next, else 0.
/// - In a text that was cut out of a longer one, a connection's first line may be relative already. It is taken so if
///   both numbers are below 2^24; then they stay relative.
/// - 65,536 connections are remembered. When one more comes, the oldest half is forgotten; what is relative to a
///   forgotten number stays relative.
struct TextSequences {
    private static let capacity = 65_536

    private struct Connection {
        /// The offsets added to the numbers of the lower and the higher end.
        var lowerBase: UInt32 = 0
        var higherBase: UInt32 = 0
        /// The number that comes next from the lower and from the higher end.
        var lowerNext: UInt32?
        var higherNext: UInt32?
        var lastUse: UInt64 = 0
    }

    private var connections: [FiveTuple: Connection] = [:]
    /// The next sequence number of the sender of a SYN: the number of a bare ACK that is the first segment with ACK, if
    /// the SYN-ACK uses another path.
    private var opened: [FiveTuple: UInt32] = [:]
    private var uses: UInt64 = 0
    private var hasForgotten = false
    /// Above 0 where the text has shown relative numbers, below 0 for absolute ones (`-S`).
    private var votes = 0

    init() {}

    /// The absolute numbers of a segment.
    mutating func absolute(_ segment: TcpdumpTCP, of tuple: FiveTuple) -> (seq: UInt32, ack: UInt32) {
        // tcpdump prints a segment without ACK in absolute numbers and does not remember it.
        guard segment.flags.contains(.ack) else {
            if segment.flags.contains(.syn), let seq = segment.seq {
                if opened.count >= Self.capacity { opened.removeAll(keepingCapacity: true) }
                opened[tuple] = seq &+ 1
            }
            return (segment.seq ?? 0, segment.idleAck)
        }
        // One entry serves both directions.
        let isLower = (tuple.source, tuple.sourcePort) < (tuple.destination, tuple.destinationPort)
        let key = isLower ? tuple : tuple.reversed
        var seq = segment.seq
        var ack = segment.ack ?? 0
        var connection: Connection
        if let known = connections[key], !segment.flags.contains(.syn) {
            connection = known
            let other = isLower ? (known.higherBase, known.higherNext) : (known.lowerBase, known.lowerNext)
            vote(ack, base: other.0, expected: other.1)
            if votes >= 0 {
                seq = seq.map { $0 &+ (isLower ? known.lowerBase : known.higherBase) }
                ack &+= isLower ? known.higherBase : known.lowerBase
            }
        } else {
            connection = Connection()
            let isRelative = !segment.flags.contains(.syn) && (hasForgotten || (seq ?? 0 < 1 << 24 && ack < 1 << 24))
            if !isRelative {
                let own = seq ?? opened[tuple] ?? 0
                connection.lowerBase = isLower ? own : ack &- 1
                connection.higherBase = isLower ? ack &- 1 : own
                if seq == nil, own != 0 {
                    if isLower { connection.lowerNext = own } else { connection.higherNext = own }
                }
            }
            if isLower { connection.higherNext = ack } else { connection.lowerNext = ack }
        }
        if let seq {
            // What a segment takes of the sequence space (RFC 9293, 3.3.1).
            let next = seq &+ segment.payloadLength &+ (segment.flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1)
            if isLower { connection.lowerNext = next } else { connection.higherNext = next }
        }
        let result = seq ?? (isLower ? connection.lowerNext : connection.higherNext) ?? 0
        uses += 1
        connection.lastUse = uses
        if connections.updateValue(connection, forKey: key) == nil, connections.count >= Self.capacity { forgetHalf() }
        return (result, ack)
    }

    /// Learns from a printed number whether the text is relative: it is near 0 then, and near `base` otherwise.
    ///
    /// - `expected`: the number that is acknowledged if everything that was sent arrived: small numbers, as people who
    ///   hide theirs write them, are near both.
    private mutating func vote(_ printed: UInt32, base: UInt32, expected: UInt32?) {
        if let expected, base != 0, printed == expected || printed &+ base == expected {
            votes = printed == expected ? max(votes - 1, -8) : min(votes + 1, 8)
            return
        }
        let near: UInt32 = 1 << 16
        let far: UInt32 = 1 << 20
        if printed < near, printed &- base >= far, base &- printed >= far {
            votes = min(votes + 1, 8)
        } else if printed &- base < near, printed >= far, 0 &- printed >= far {
            votes = max(votes - 1, -8)
        }
    }

    private mutating func forgetHalf() {
        let uses = connections.values.map(\.lastUse).sorted()
        let median = uses[uses.count / 2]
        connections = connections.filter { $0.value.lastUse >= median }
        hasForgotten = true
    }
}
