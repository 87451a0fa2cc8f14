// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Segments that offloading cut or put together between two points: the same bytes in other packets.
///
/// What a sender's capture shows of segmentation offload, and a receiver's of coalescing, is up to 64 kB long.
struct Resegmentation {
    private struct Segment {
        var start: Int64
        var end: Int64
        var index: Int
        var hasVanished: Bool
    }

    /// Strays whose bytes went past the other point too, by their place in the lists.
    private(set) var vanished: Set<Int> = []
    private(set) var appeared: Set<Int> = []

    init(_ judge: ComparisonJudge) {
        guard !judge.vanished.isEmpty, !judge.appeared.isEmpty else { return }
        var segments: [(key: UInt64, seq: UInt32, length: UInt32, index: Int, hasVanished: Bool)] = []
        for (strays, hasVanished) in [(judge.vanished, true), (judge.appeared, false)] {
            for (index, stray) in strays.enumerated() {
                guard let (point, packet) = judge.anyPacket(Int(stray.row)), packet.payload > 0, packet.kind.isTCP,
                    packet.kind != .rst, let number = judge.join.packet(Int(stray.row), at: point)
                else { continue }
                let direction = judge.conversations.direction(of: packet, in: point)
                let shift =
                    judge.shifts.isEmpty(point)
                    ? 0 : judge.shifts.amount(point, flowDirection: packet.direction, packet: number)
                segments.append(
                    (
                        UInt64(direction) << 16 | UInt64(stray.from) << 8 | UInt64(stray.to), packet.seq &- shift,
                        UInt32(packet.payload), index, hasVanished
                    ))
            }
        }
        segments.sort { ($0.key, $0.index) < ($1.key, $1.index) }
        var start = 0
        while start < segments.count {
            var end = start + 1
            while end < segments.count, segments[end].key == segments[start].key { end += 1 }
            // Numbers wrap: what matters is how far they are from the first.
            let base = segments[start].seq
            compare(
                segments[start..<end].map { segment in
                    let begin = Int64(Int32(bitPattern: segment.seq &- base))
                    return Segment(
                        start: begin, end: begin + Int64(segment.length), index: segment.index,
                        hasVanished: segment.hasVanished)
                })
            start = end
        }
    }

    /// A segment's bytes went past where each of them was seen at the other point as often at least.
    private mutating func compare(_ segments: [Segment]) {
        guard segments.contains(where: \.hasVanished), segments.contains(where: { !$0.hasVanished }) else { return }
        let bounds = segments.flatMap { [$0.start, $0.end] }.sorted()
        var changes = [(before: Int, behind: Int)](repeating: (0, 0), count: bounds.count)
        func place(_ bound: Int64) -> Int {
            var (low, high) = (0, bounds.count)
            while low < high {
                let middle = (low + high) / 2
                if bounds[middle] < bound { low = middle + 1 } else { high = middle }
            }
            return low
        }
        for segment in segments {
            let (start, end) = (place(segment.start), place(segment.end))
            if segment.hasVanished {
                changes[start].before += 1
                changes[end].before -= 1
            } else {
                changes[start].behind += 1
                changes[end].behind -= 1
            }
        }
        // Sums over the parts before each bound of those that one point lacks.
        var lacking = [(behind: Int, before: Int)](repeating: (0, 0), count: bounds.count + 1)
        var depth = (before: 0, behind: 0)
        for index in bounds.indices {
            depth.before += changes[index].before
            depth.behind += changes[index].behind
            let isPart = index + 1 < bounds.count && bounds[index] < bounds[index + 1]
            lacking[index + 1] = (
                lacking[index].behind + (isPart && depth.behind < depth.before ? 1 : 0),
                lacking[index].before + (isPart && depth.before < depth.behind ? 1 : 0)
            )
        }
        for segment in segments {
            let (start, end) = (place(segment.start), place(segment.end))
            if segment.hasVanished {
                if lacking[end].behind == lacking[start].behind { vanished.insert(segment.index) }
            } else if lacking[end].before == lacking[start].before {
                appeared.insert(segment.index)
            }
        }
    }
}
