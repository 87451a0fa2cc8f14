// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// Names findings and packets by what they are, so that they are named the same live, from a file and again tomorrow.
package enum FindingIdentity {
    private static let alphabet: [UInt8] = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// 26 characters as a ULID has: 10 for the time in ms, 16 for a hash of five-tuple, seq, ack, flags, IP-ID or flow
    /// label, and occurrence.
    ///
    /// - `occurrence`: Tells equal packets of one time apart, for example the frame number of a text without
    ///   times.
    static func id(_ record: PacketRecord, time: UInt64, occurrence: UInt64) -> String {
        let first = hash(record, seed: 1, occurrence: occurrence, time: time)
        let second = hash(record, seed: 2, occurrence: occurrence, time: time)
        let milliseconds = time / 1_000_000
        return String(unsafeUninitializedCapacity: 26) { text in
            for index in 0..<10 { text[index] = alphabet[Int(milliseconds >> UInt64(45 - 5 * index) & 31)] }
            for index in 0..<8 {
                text[10 + index] = alphabet[Int(first >> UInt64(35 - 5 * index) & 31)]
                text[18 + index] = alphabet[Int(second >> UInt64(35 - 5 * index) & 31)]
            }
            return 26
        }
    }

    private static func hash(_ record: PacketRecord, seed: UInt64, occurrence: UInt64, time: UInt64) -> UInt64 {
        var hash = StableHash(seed: seed)
        hash.combine(record.src_high)
        hash.combine(record.src_low)
        hash.combine(record.dst_high)
        hash.combine(record.dst_low)
        hash.combine(record.src_port)
        hash.combine(record.dst_port)
        hash.combine(record.seq)
        hash.combine(record.ack)
        hash.combine(record.flags)
        hash.combine(record.identification)
        hash.combine(time)
        hash.combine(occurrence)
        return hash.value
    }

    /// 16 hexadecimal digits from seq, ack, flags, payload length and timestamps, without addresses: findings of
    /// several machines about one packet join on it.
    static func packetKey(_ record: PacketRecord, timestamps: (value: UInt32, echo: UInt32)?) -> String {
        packetKey(packetHash(record, timestamps: timestamps))
    }

    /// A packet's key as it is written.
    package static func packetKey(_ hash: UInt64) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The hash that a packet's key is made of.
    package static func packetHash(_ record: PacketRecord, timestamps: (value: UInt32, echo: UInt32)?) -> UInt64 {
        var hash = StableHash()
        hash.combine(record.seq)
        hash.combine(record.ack)
        hash.combine(record.flags)
        hash.combine(record.payload_length)
        hash.combine(timestamps?.value ?? 0)
        hash.combine(timestamps?.echo ?? 0)
        return hash.value
    }
}
