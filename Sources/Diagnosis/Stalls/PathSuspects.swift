// SPDX-License-Identifier: Apache-2.0

/// The flows that do not get on, bounded: at the capacity a weak suspicion gives way, and is counted.
///
/// A flow's entry holds the number of its place; whoever finds another flow there is not suspected any more.
struct PathSuspects: ~Copyable {
    /// The granularity of deadlines, in ns: a quarter of a second.
    static let step: UInt64 = 250_000_000
    static let capacity = 4096

    /// A place is written before it is read.
    private let slots = FixedTable<PathSuspect>(count: capacity)
    private let isUsed = FixedTable<Bool>(repeating: false, count: capacity)
    /// Places that were used so far.
    private var count = 0
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
        } else if count < Self.capacity {
            place = count
            count += 1
        } else {
            place = victim()
            evictions += 1
        }
        slots[place].pointee = suspect
        isUsed[place].pointee = true
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
        guard isUsed[place].pointee, !slots[place].pointee.isTold else { return 0 }
        let suspect = slots[place]
        return max(
            Int(suspect.pointee.syn.copies), Int(suspect.pointee.synACK.copies), Int(suspect.pointee.data.copies))
    }

    /// The suspect at that place, where it is this flow's; valid until the next `insert`.
    @inline(__always)
    func find(_ number: UInt32, _ flow: UnsafeMutablePointer<FlowEntry>) -> UnsafeMutablePointer<PathSuspect>? {
        guard let suspect = self[number], suspect.pointee.isOf(flow) else { return nil }
        return suspect
    }

    /// Looks at a suspect again at `deadline` (ns), rounded up to `step`.
    mutating func schedule(_ number: UInt32, at deadline: UInt64) {
        guard let suspect = self[number] else { return }
        suspect.pointee.deadline = deadline
        guard deadline != .max else { return }
        suspect.pointee.deadline = (deadline + Self.step - 1) / Self.step * Self.step
        nextDeadline = min(nextDeadline, suspect.pointee.deadline)
    }

    mutating func remove(_ number: UInt32) {
        guard self[number] != nil else { return }
        isUsed[Int(number) - 1].pointee = false
        free.append(number - 1)
    }

    /// The numbers of the suspects that are due at `nextDeadline`, in the order in which their newest packets came.
    mutating func due() -> [UInt32] {
        let deadline = nextDeadline
        nextDeadline = .max
        var numbers: [UInt32] = []
        for place in 0..<count where isUsed[place].pointee {
            if slots[place].pointee.deadline <= deadline {
                numbers.append(UInt32(place + 1))
            } else {
                nextDeadline = min(nextDeadline, slots[place].pointee.deadline)
            }
        }
        return sorted(numbers)
    }

    /// All numbers, in the order in which their newest packets came.
    func all() -> [UInt32] {
        sorted((0..<count).filter { isUsed[$0].pointee }.map { UInt32($0 + 1) })
    }

    private func sorted(_ numbers: [UInt32]) -> [UInt32] {
        let keys = numbers.map { number in
            let suspect = slots[Int(number) - 1]
            return (suspect.pointee.file, suspect.pointee.time, suspect.pointee.frame, number)
        }
        return keys.sorted { $0 < $1 }.map(\.3)
    }

    /// The suspect at a place, from 1; `nil` where there is none.
    subscript(number: UInt32) -> UnsafeMutablePointer<PathSuspect>? {
        let place = Int(number) - 1
        return place >= 0 && place < count && isUsed[place].pointee ? slots[place] : nil
    }
}
