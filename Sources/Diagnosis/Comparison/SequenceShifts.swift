// SPDX-License-Identifier: Apache-2.0

/// The amounts that a device on the path adds to sequence numbers, per connection, direction and point: some firewalls
/// replace the initial sequence number and translate all that follow.
struct SequenceShifts {
    private struct Shift {
        /// From this packet of the capture on.
        var packet: UInt32
        var amount: UInt32
    }

    private struct Opened {
        var direction: UInt32
        var capture: UInt32
        /// Apart by whether its packets arrive or leave.
        var isLeaving: Bool
        var packet: UInt32
        /// Of the capture's own flow.
        var flowDirection: UInt32
        var seq: UInt32
        var timestamp: UInt32
    }

    /// By capture: the shifts of a flow's direction, in the order of the capture.
    private var shifts: [[UInt32: [Shift]]]

    init(_ captures: [ComparedCapture], _ conversations: FlowUnion) {
        shifts = captures.map { _ in [:] }
        let changed = Self.changedDirections(captures, conversations)
        guard !changed.isEmpty else { return }
        var opened: [Opened] = []
        for (capture, content) in captures.enumerated() {
            for opening in content.openings {
                let direction = conversations.ofFlow[capture][Int(opening.direction >> 1)] ^ opening.direction & 1
                guard changed.contains(direction) else { continue }
                opened.append(
                    Opened(
                        direction: direction, capture: UInt32(capture),
                        isLeaving: content.flows[Int(opening.direction >> 1)].key.ports & FlowKey.leaving != 0,
                        packet: opening.packet,
                        flowDirection: opening.direction, seq: opening.seq, timestamp: opening.timestamp))
            }
        }
        opened.sort { left, right in
            (left.direction, left.capture, left.isLeaving ? 1 : 0, left.packet)
                < (right.direction, right.capture, right.isLeaving ? 1 : 0, right.packet)
        }
        var start = 0
        while start < opened.count {
            var end = start + 1
            while end < opened.count, opened[end].direction == opened[start].direction { end += 1 }
            add(opened[start..<end])
            start = end
        }
    }

    /// Directions that opened with more than one number: few.
    private static func changedDirections(
        _ captures: [ComparedCapture], _ conversations: FlowUnion
    ) -> Set<UInt32> {
        var first = [UInt32](repeating: 0, count: conversations.count * 2)
        var isOpen = [Bool](repeating: false, count: conversations.count * 2)
        var changed: Set<UInt32> = []
        for (capture, content) in captures.enumerated() {
            for opening in content.openings {
                let direction = conversations.ofFlow[capture][Int(opening.direction >> 1)] ^ opening.direction & 1
                if !isOpen[Int(direction)] {
                    isOpen[Int(direction)] = true
                    first[Int(direction)] = opening.seq
                } else if first[Int(direction)] != opening.seq {
                    changed.insert(direction)
                }
            }
        }
        return changed
    }

    func isEmpty(_ capture: Int) -> Bool { shifts[capture].isEmpty }

    /// Returns the amount added to the numbers of that flow's direction at packet `packet` of a capture.
    func amount(_ capture: Int, flowDirection: UInt32, packet: Int) -> UInt32 {
        guard let list = shifts[capture][flowDirection] else { return 0 }
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if Int(list[middle].packet) <= packet { low = middle + 1 } else { high = middle }
        }
        return list[max(0, low - 1)].amount
    }

    /// Compares what each point saw of one direction with what the first of them saw.
    private mutating func add(_ opened: ArraySlice<Opened>) {
        var byCapture: [ArraySlice<Opened>] = []
        var start = opened.startIndex
        while start < opened.endIndex {
            let end =
                opened[start...].firstIndex {
                    $0.capture != opened[start].capture || $0.isLeaving != opened[start].isLeaving
                } ?? opened.endIndex
            byCapture.append(opened[start..<end])
            start = end
        }
        guard let base = byCapture.first else { return }
        for other in byCapture.dropFirst() { add(other, comparedWith: base) }
    }

    private mutating func add(_ other: ArraySlice<Opened>, comparedWith base: ArraySlice<Opened>) {
        let known = Set(base.map(\.seq))
        let seen = Set(other.map(\.seq))
        let lost = base.filter { !seen.contains($0.seq) }
        let new = other.filter { !known.contains($0.seq) }
        // Where one point saw more connections than the other, nothing tells which is which.
        guard !new.isEmpty, lost.count == new.count else { return }
        var list: [UInt32: [Shift]] = [:]
        for opening in other where known.contains(opening.seq) {
            list[opening.flowDirection, default: []].append(Shift(packet: opening.packet, amount: 0))
        }
        for (before, after) in zip(lost, new) {
            // Who changes numbers leaves the timestamp alone, but for a proxy that answers in the server's place.
            guard before.timestamp == after.timestamp || new.count == 1 else { return }
            list[after.flowDirection, default: []].append(
                Shift(packet: after.packet, amount: after.seq &- before.seq))
        }
        let capture = Int(other[other.startIndex].capture)
        for (flowDirection, added) in list {
            shifts[capture][flowDirection] = added.sorted { $0.packet < $1.packet }
        }
    }
}
