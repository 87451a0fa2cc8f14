// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Tells which copy of a packet at one point is which at the others.
struct CopyAligner {
    let captures: [ComparedCapture]
    let points: Int
    /// The point whose copies are added.
    let point: Int

    /// - `table`: A row for each copy so far, with its packet at each point; in time order.
    /// - `found`: The copies at `point`, in time order.
    ///
    /// Returns The table with them, in time order.
    func merge(
        _ table: [[UInt32]], _ found: [UInt32], time: (Int, UInt32) -> UInt64?
    ) -> [[UInt32]] {
        guard !table.isEmpty else { return found.map { row($0) } }
        if table.count == found.count { return join(table, found) }
        if let byNumber = byIdentification(table, found) { return byNumber }
        return byTime(table, found, time: time)
    }

    private func row(_ packet: UInt32) -> [UInt32] {
        var row = [UInt32](repeating: PacketJoin.absent, count: points)
        row[point] = packet
        return row
    }

    /// The same number of copies: the n-th is the n-th.
    private func join(_ table: [[UInt32]], _ found: [UInt32]) -> [[UInt32]] {
        var table = table
        for index in found.indices { table[index][point] = found[index] }
        return table
    }

    /// By IP-ID, where every copy has one of its own and the path leaves it alone.
    ///
    /// `nil` where that does not decide.
    private func byIdentification(_ table: [[UInt32]], _ found: [UInt32]) -> [[UInt32]]? {
        let known = table.indices.map { (identification(table[$0]), $0) }.sorted { $0 < $1 }
        let new = found.indices.map { (identification(found[$0], at: point), $0) }.sorted { $0 < $1 }
        guard known.allSatisfy({ $0.0 != 0 }), new.allSatisfy({ $0.0 != 0 }), isDistinct(known), isDistinct(new) else {
            return nil
        }
        var partners = [Int?](repeating: nil, count: found.count)
        var matches = 0
        var left = 0
        for (number, index) in new {
            while left < known.count, known[left].0 < number { left += 1 }
            guard left < known.count, known[left].0 == number else { continue }
            partners[index] = known[left].1
            matches += 1
        }
        guard matches > 0 else { return nil }
        var result = table
        // Duplicates that only this point saw stand where their neighbours are.
        var inserted: [(after: Int, packet: UInt32)] = []
        var last = -1
        for (index, partner) in partners.enumerated() {
            if let partner {
                result[partner][point] = found[index]
                last = max(last, partner)
            } else {
                inserted.append((last, found[index]))
            }
        }
        guard !inserted.isEmpty else { return result }
        var woven: [[UInt32]] = []
        woven.reserveCapacity(result.count + inserted.count)
        var next = 0
        for position in -1..<result.count {
            if position >= 0 { woven.append(result[position]) }
            while next < inserted.count, inserted[next].after == position {
                woven.append(row(inserted[next].packet))
                next += 1
            }
        }
        return woven
    }

    private func isDistinct(_ sorted: [(UInt32, Int)]) -> Bool {
        zip(sorted, sorted.dropFirst()).allSatisfy { $0.0 != $1.0 }
    }

    private func identification(_ row: [UInt32]) -> UInt32 {
        for point in 0..<points where row[point] != PacketJoin.absent {
            return identification(row[point], at: point)
        }
        return 0
    }

    private func identification(_ packet: UInt32, at point: Int) -> UInt32 {
        let identification = captures[point].packets[Int(packet)].identification
        // A flow label is the same for all.
        return captures[point].flows[captures[point].packets[Int(packet)].flow].key.isIPv4 ? identification : 0
    }

    /// Each copy with the one that is nearest in time, in order.
    ///
    /// Where there is no time the first ones are the same.
    private func byTime(
        _ table: [[UInt32]], _ found: [UInt32], time: (Int, UInt32) -> UInt64?
    ) -> [[UInt32]] {
        func rowTime(_ row: [UInt32]) -> UInt64? {
            for other in 0..<points where row[other] != PacketJoin.absent {
                if let found = time(other, row[other]) { return found }
            }
            return nil
        }
        func distance(_ left: UInt64?, _ right: UInt64?) -> UInt64 {
            guard let left, let right else { return 0 }
            return left > right ? left - right : right - left
        }
        let known = table.map { rowTime($0) }
        let new = found.map { time(point, $0) }
        var result: [[UInt32]] = []
        result.reserveCapacity(max(table.count, found.count))
        var (left, right) = (0, 0)
        while left < table.count, right < found.count {
            let here = distance(known[left], new[right])
            let restOfTable = table.count - left
            let restOfFound = found.count - right
            if restOfTable > restOfFound, distance(known[left + 1], new[right]) < here {
                result.append(table[left])
                left += 1
            } else if restOfFound > restOfTable, distance(known[left], new[right + 1]) < here {
                result.append(row(found[right]))
                right += 1
            } else {
                var row = table[left]
                row[point] = found[right]
                result.append(row)
                left += 1
                right += 1
            }
        }
        result.append(contentsOf: table[left...])
        for packet in found[right...] { result.append(row(packet)) }
        return result
    }
}

extension FlowKey {
    var isIPv4: Bool { address(isHigh: false).isIPv4 }
}
