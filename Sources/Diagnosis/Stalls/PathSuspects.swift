// SPDX-License-Identifier: Apache-2.0

/// The flows that do not get on, bounded: at the capacity a weak suspicion gives way, and is counted.
///
/// A flow's entry holds the number of its place; whoever finds another flow there is not suspected any more.
struct PathSuspects {
    /// The granularity of deadlines, in ns: a quarter of a second.
    static let step: UInt64 = 250_000_000
    static let capacity = 4096

    private var slots: [PathSuspect?] = []
    private var free: [UInt32] = []
    /// The position where room is searched next.
    private var hand = 0
    /// Nothing is due before, ns.
    private(set) var nextDeadline = UInt64.max
    /// Suspects forgotten for want of room.
    private(set) var evictions: UInt64 = 0

    /// The number of a new suspect's place, from 1.
    mutating func insert(_ suspect: PathSuspect) -> UInt32 {
        let place: Int
        if let known = free.popLast() {
            place = Int(known)
            slots[place] = suspect
        } else if slots.count < Self.capacity {
            place = slots.count
            slots.append(suspect)
        } else {
            place = victim()
            evictions += 1
            slots[place] = suspect
        }
        return UInt32(place + 1)
    }

    /// Of the next few places the one whose suspicion is the weakest: a flood of suspects costs the same for each.
    private mutating func victim() -> Int {
        var place = hand
        for step in 0..<8 {
            let other = (hand + step) % Self.capacity
            if weight(other) < weight(place) { place = other }
        }
        hand = (hand + 8) % Self.capacity
        return place
    }

    private func weight(_ place: Int) -> Int {
        guard let suspect = slots[place], !suspect.isTold else { return 0 }
        return max(Int(suspect.syn.copies), Int(suspect.synACK.copies), Int(suspect.data.copies))
    }

    /// The suspect at that place, where it is this flow's.
    func find(_ number: UInt32, _ flow: FlowEntry) -> PathSuspect? {
        let index = Int(number) - 1
        guard slots.indices.contains(index), let suspect = slots[index], suspect.isOf(flow) else { return nil }
        return suspect
    }

    mutating func replace(_ number: UInt32, by suspect: PathSuspect) {
        var suspect = suspect
        if suspect.deadline != .max {
            suspect.deadline = (suspect.deadline + Self.step - 1) / Self.step * Self.step
            nextDeadline = min(nextDeadline, suspect.deadline)
        }
        slots[Int(number) - 1] = suspect
    }

    mutating func remove(_ number: UInt32) {
        guard slots[Int(number) - 1] != nil else { return }
        slots[Int(number) - 1] = nil
        free.append(number - 1)
    }

    /// The numbers of the suspects that are due at `nextDeadline`, in the order in which their newest packets came.
    mutating func due() -> [UInt32] {
        let deadline = nextDeadline
        nextDeadline = .max
        var numbers: [UInt32] = []
        for index in slots.indices {
            guard let suspect = slots[index] else { continue }
            if suspect.deadline <= deadline {
                numbers.append(UInt32(index + 1))
            } else {
                nextDeadline = min(nextDeadline, suspect.deadline)
            }
        }
        return numbers.sorted { order($0) < order($1) }
    }

    /// All numbers, in the order in which their newest packets came.
    func all() -> [UInt32] {
        slots.indices.filter { slots[$0] != nil }.map { UInt32($0 + 1) }.sorted { order($0) < order($1) }
    }

    private func order(_ number: UInt32) -> (UInt32, UInt64, UInt64, UInt32) {
        guard let suspect = slots[Int(number) - 1] else { return (.max, .max, .max, number) }
        return (suspect.file, suspect.time, suspect.frame, number)
    }

    subscript(number: UInt32) -> PathSuspect? { slots[Int(number) - 1] }
}
