// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The kernel's events about resets of this machine, kept until their packets are judged.
///
/// At most `capacity` events; a new one takes the place of the oldest. One that gives way before its packet was seen,
/// and one that the kernel could not hand over, make the record incomplete: then no packet's lack of an event means
/// anything.
struct ResetTraces {
    /// More than a full ring of the kernel part holds.
    static let capacity = 16_384
    /// A packet may wait this long (ns) for its next hop's link address after the event: three requests, one a second
    /// (neighbour/default/mcast_solicit, retrans_time_ms).
    static let longestDelay: UInt64 = 3_000_000_000
    /// An aborted socket's event comes this much (ns) after its packet at most, busy processors included.
    static let settleTime: UInt64 = 100_000_000

    /// The numbers of a reset and where it goes: address translation of this machine's own address leaves them alone.
    private struct Numbers: Hashable {
        var destination: IPAddress
        var port: UInt16
        var seq: UInt32
        var ack: UInt32?

        init(_ record: PacketRecord) {
            destination = record.destination
            port = record.dst_port
            seq = record.seq
            ack = record.tcpFlags.contains(.ack) ? record.ack : nil
        }

        init(_ trace: ResetTrace) {
            destination = trace.fiveTuple.destination
            port = trace.fiveTuple.destinationPort
            seq = trace.seq
            ack = trace.ack
        }
    }

    private struct Event {
        var trace: ResetTrace
        var isMatched = false
    }

    private var events: [Event] = []
    /// The place that the next event takes once all are taken.
    private var next = 0
    private var byNumbers: [Numbers: Int] = [:]
    /// Aborted sockets: their sequence number may differ from what left (a peer's window that shrank).
    private var byTuple: [FiveTuple: Int] = [:]
    /// Lack of an event up to this packet time means nothing.
    private(set) var incompleteUntil: UInt64 = 0

    mutating func add(_ trace: ResetTrace) {
        let place: Int
        if events.count < Self.capacity {
            place = events.count
            events.append(Event(trace: trace))
        } else {
            place = next
            next = (next + 1) % Self.capacity
            forget(place, now: trace.time)
            events[place] = Event(trace: trace)
        }
        byNumbers[Numbers(trace)] = place
        if trace.isActive { byTuple[trace.fiveTuple] = place }
    }

    /// Says that events up to `time` were lost.
    mutating func noteLoss(upTo time: UInt64) {
        incompleteUntil = max(incompleteUntil, time)
    }

    private mutating func forget(_ place: Int, now: UInt64) {
        let event = events[place]
        if byNumbers[Numbers(event.trace)] == place { byNumbers[Numbers(event.trace)] = nil }
        if byTuple[event.trace.fiveTuple] == place { byTuple[event.trace.fiveTuple] = nil }
        if !event.isMatched, now < event.trace.time + Self.longestDelay { noteLoss(upTo: now) }
    }

    /// The event of a reset that left at `time`.
    ///
    /// The same event serves a packet that left twice with the same numbers: both of its events may have come before.
    mutating func match(_ record: PacketRecord, time: UInt64) -> ResetTrace? {
        for place in [byNumbers[Numbers(record)], byTuple[record.fiveTuple]] {
            guard let place, Self.belongs(events[place].trace, to: time) else { continue }
            events[place].isMatched = true
            return events[place].trace
        }
        return nil
    }

    private static func belongs(_ trace: ResetTrace, to time: UInt64) -> Bool {
        trace.time <= time ? time - trace.time <= longestDelay : trace.time - time <= settleTime
    }
}
