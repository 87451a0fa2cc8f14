// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// The facts of a capture in which no connection came about: SYNs without an answer, or SYN-ACKs alone.
///
/// Such a capture holds no reset and nothing to judge by, but saying "no resets" alone would hide what it shows.
/// Bounded: the first 4,096 connections are told apart. Nothing is kept once a packet shows more than openings.
package struct OpeningFacts: Sendable {
    private static let capacity = 4096

    private var opened: Set<FiveTuple> = []
    private var answered: Set<FiveTuple> = []
    /// A segment, or an ICMP error, that says more.
    private var isOver = false

    package init() {}

    /// Takes note of packets.
    package mutating func add(_ packets: UnsafeBufferPointer<ObservedPacket>) {
        guard !isOver else { return }
        for packet in packets { add(packet.record) }
    }

    private mutating func add(_ record: PacketRecord) {
        guard !isOver else { return }
        guard record.transport == .tcp else {
            isOver = record.packetClass == .icmp
            return
        }
        let flags = TCPFlags(rawValue: record.flags)
        guard flags.contains(.syn), flags.isDisjoint(with: [.rst, .fin]) else {
            isOver = true
            return
        }
        if flags.contains(.ack) {
            if answered.count < Self.capacity { answered.insert(record.fiveTuple.reversed) }
        } else if opened.count < Self.capacity {
            opened.insert(record.fiveTuple)
        }
    }

    /// One line; `nil` where the capture shows more than openings, or both directions of them.
    package var text: String? {
        guard !isOver, opened.isEmpty != answered.isEmpty else { return nil }
        let count = opened.count + answered.count
        let more = count == Self.capacity ? "or more " : ""
        let connections = "\(count) \(more)connection\(count == 1 ? "" : "s")"
        if answered.isEmpty {
            return "\(connections) opened by a SYN; no answer to \(count == 1 ? "it" : "any") was seen here."
        }
        return "\(connections) answered by a SYN-ACK; neither the SYN before nor the ACK after it was seen here."
    }
}
