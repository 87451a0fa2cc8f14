// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Packets that left a moment ago: where two CPUs handle a packet on its two ways, it may be seen leaving before it is
/// seen arriving (`ClockStep`).
///
/// Empty where all times are exact. Bounded: of more than `capacity` packets in a step the arrivals are not looked at.
struct EgressReordering {
    private static let capacity = 32

    private struct Departure {
        var record: PacketRecord
        /// ns since 1970.
        var time: UInt64
        /// It took its place on the way through: an arrival was found.
        var isKnown: Bool
    }

    private var departures: [Departure] = []
    private var blindUntil: UInt64 = 0
    /// ns.
    private let step: UInt64

    init(_ clockStep: ClockStep) {
        step = UInt64(clockStep.units) << 10
    }

    /// Takes note of a packet that left.
    ///
    /// - `isKnown`: Its arrival was seen; another part of it may still come.
    ///
    /// Returns True where packets left for which no arrival has come since.
    mutating func add(_ record: PacketRecord, time: UInt64, isKnown: Bool) -> Bool {
        guard step > 0 else { return !isKnown }
        let isForeign = forget(before: time)
        if departures.count == Self.capacity { blindUntil = max(blindUntil, departures.removeFirst().time &+ step) }
        departures.append(Departure(record: record, time: time, isKnown: isKnown))
        return isForeign
    }

    /// True where departures went by whose arrival never came.
    private mutating func forget(before time: UInt64) -> Bool {
        let past = departures.prefix { $0.time &+ step < time }
        let isForeign = past.contains { !$0.isKnown }
        departures.removeFirst(past.count)
        return isForeign
    }

    /// True where packets that arrive at a time may have left unnoticed.
    func isBlind(at time: UInt64) -> Bool { time <= blindUntil }

    /// Takes off an arrival what has left already.
    ///
    /// True where nothing remains.
    mutating func take(_ arrival: inout ForwardingDirection.Arrival) -> Bool {
        for index in departures.indices.reversed() where arrival.time <= departures[index].time &+ step {
            let record = departures[index].record
            guard arrival.isCovered(from: record.seq, to: record.sequenceEnd, by: record) else { continue }
            departures[index].isKnown = true
            if arrival.subtract(from: record.seq, to: record.sequenceEnd) { return true }
        }
        return false
    }
}
