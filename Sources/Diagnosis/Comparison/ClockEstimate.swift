// SPDX-License-Identifier: Apache-2.0

/// The offset between the clocks of two points, estimated from packets that both saw.
///
/// What both points' times differ by is offset + delay for packets that go there, and offset − delay for those that
/// come back: with both the offset is the middle (as NTP has it, RFC 5905, section 8: the delays are taken for equal).
/// With one direction only, the smallest delay counts as part of the offset. The drift is the median of all slopes
/// (Theil 1950, Sen 1968).
package struct ClockEstimate: Sendable, Equatable {
    /// The lead of this clock over the other at `origin`, in ns.
    package var offset: Int64 = 0
    /// ns that it gains per ns of the other clock; 50 ppm are 5e-5.
    package var drift: Double = 0
    /// The other clock's time at which `offset` holds.
    package var origin: UInt64 = 0
    /// Half of what the fastest packets take there and back, ns; 0 where that cannot be told.
    package var delay: UInt64 = 0
    /// Packets that it rests on.
    package var samples = 0
    /// False where packets of one direction only passed both points.
    package var isSeparable = true

    /// A clock compared with itself.
    package static let same = ClockEstimate()

    package init() {}

    /// This clock's time as the other clock would tell it.
    package func other(_ time: UInt64) -> UInt64 {
        let moved = time &- UInt64(bitPattern: offset)
        guard drift != 0 else { return moved }
        let elapsed = Double(Int64(bitPattern: moved &- origin))
        return moved &- UInt64(bitPattern: Int64(clamping: elapsed * drift / (1 + drift)))
    }
}

/// A packet that two points saw: when by the other's clock, what the times differ by, and which way it went.
package struct ClockSample: BitwiseCopyable {
    package enum Way: UInt8, BitwiseCopyable {
        /// From the other point to this one, by its TTL, and the other way.
        case there, back
        /// The TTL does not tell; the conversations' two directions still do not mix.
        case one, two
    }

    package var time: UInt64
    package var difference: Int64
    package var way: Way

    package init(time: UInt64, difference: Int64, way: Way) {
        self.time = time
        self.difference = difference
        self.way = way
    }
}

extension ClockEstimate {
    /// Parts of the time in which the fastest packets are looked for.
    private static let windows = 64
    /// More than any quartz that anybody sells.
    private static let largestDrift = 1e-3

    /// A way's fastest packet of one window.
    private struct Point {
        var x: Double
        var y: Double
    }

    /// - Parameter samples: In any order. `nil` is returned where there are none.
    package init?(_ samples: [ClockSample]) {
        guard let first = samples.first else { return nil }
        let origin = samples.reduce(first.time) { min($0, $1.time) }
        let last = samples.reduce(first.time) { max($0, $1.time) }
        let base = first.difference
        let span = max(1, Double(last - origin))
        var ways: [[Point]] = []
        var rawValues: [UInt8] = []
        for way in [ClockSample.Way.there, .back, .one, .two] {
            var windows = [[Point]](repeating: [], count: Self.windows)
            for sample in samples where sample.way == way {
                let x = Double(sample.time - origin)
                let window = min(Self.windows - 1, Int(x / span * Double(Self.windows)))
                windows[window].append(Point(x: x, y: Double(sample.difference &- base)))
            }
            let points = windows.compactMap { Self.fastest($0, way) }
            if !points.isEmpty {
                ways.append(points)
                rawValues.append(way.rawValue)
            }
        }
        drift = Self.drift(ways)
        self.origin = origin
        self.samples = samples.count
        let heights = zip(ways, rawValues).map { points, way in
            Self.height(points.map { $0.y - drift * $0.x }, ClockSample.Way(rawValue: way) ?? .one)
        }
        // Ways whose direction is known go first; others only help out.
        var there = zip(heights, rawValues).first { $0.1 == ClockSample.Way.there.rawValue }?.0
        var back = zip(heights, rawValues).first { $0.1 == ClockSample.Way.back.rawValue }?.0
        if there == nil || back == nil {
            let one = zip(heights, rawValues).first { $0.1 == ClockSample.Way.one.rawValue }?.0
            let two = zip(heights, rawValues).first { $0.1 == ClockSample.Way.two.rawValue }?.0
            if let one, let two { (there, back) = (one, two) } else if there == nil, back == nil { there = one ?? two }
        }
        isSeparable = there != nil && back != nil
        let middle = ((there ?? back ?? 0) + (back ?? there ?? 0)) / 2
        offset = base &+ Int64(clamping: middle)
        if let there, let back { delay = UInt64(min(abs(there - back) / 2, 1e12)) }
    }

    /// The fastest packets of a window.
    ///
    /// One in ten may be wrongly matched.
    private static func fastest(_ points: [Point], _ way: ClockSample.Way) -> Point? {
        guard !points.isEmpty else { return nil }
        let sorted = points.sorted { $0.y < $1.y }
        switch way {
        case .there: return sorted[sorted.count / 10]
        case .back: return sorted[sorted.count - 1 - sorted.count / 10]
        case .one, .two: return sorted[sorted.count / 2]
        }
    }

    private static func height(_ values: [Double], _ way: ClockSample.Way) -> Double {
        let sorted = values.sorted()
        switch way {
        case .there: return sorted[sorted.count / 10]
        case .back: return sorted[sorted.count - 1 - sorted.count / 10]
        case .one, .two: return sorted[sorted.count / 2]
        }
    }

    /// The median slope, or 0 where a clock that does not drift explains the points as well.
    private static func drift(_ ways: [[Point]]) -> Double {
        var slopes: [Double] = []
        for points in ways {
            for left in points.indices {
                for right in points.indices where right > left && points[right].x > points[left].x {
                    slopes.append((points[right].y - points[left].y) / (points[right].x - points[left].x))
                }
            }
        }
        guard slopes.count >= 6 else { return 0 }
        let slope = slopes.sorted()[slopes.count / 2]
        guard abs(slope) <= largestDrift, spread(ways, slope) * 2 < spread(ways, 0) else { return 0 }
        return slope
    }

    /// The median distance from each way's median, with the slope taken out.
    private static func spread(_ ways: [[Point]], _ slope: Double) -> Double {
        var distances: [Double] = []
        for points in ways {
            let values = points.map { $0.y - slope * $0.x }
            let middle = values.sorted()[values.count / 2]
            distances += values.map { abs($0 - middle) }
        }
        return distances.sorted()[distances.count / 2]
    }
}

extension Int64 {
    /// `value` rounded, or the nearest that fits; 0 where it is no number.
    init(clamping value: Double) {
        if value.isNaN {
            self = 0
        } else if value >= 9.2e18 {
            self = .max
        } else if value <= -9.2e18 {
            self = .min
        } else {
            self = Int64(value.rounded())
        }
    }
}
