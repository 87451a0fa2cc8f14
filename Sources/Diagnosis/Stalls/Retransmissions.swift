// SPDX-License-Identifier: Apache-2.0

/// A packet that is sent again and again: when it was sent first, and when its copies were.
struct Retransmissions: BitwiseCopyable, Sendable {
    /// Duplicates closer than this (ns) to the one before are the network's or the tap's, not their sender's: 100 ms.
    ///
    /// The shortest timeout of Linux is 200 ms, of a handshake a second (RFC 6298).
    static let shortest: UInt64 = 100_000_000
    /// Duplicates whose times are kept.
    static let kept = 6

    private(set) var first: UInt64 = 0
    private(set) var last: UInt64 = 0
    /// 255 meaning that or more.
    private(set) var copies: UInt8 = 0
    private var offsets: InlineArray<6, UInt32> = .init(repeating: 0)

    init() {}

    /// - Parameter first: ns since 1970.
    init(first: UInt64) {
        self.first = first
        last = first
    }

    /// ns from the first to the last.
    var span: UInt64 { last - first }

    /// Counts a copy; false where it came too soon to be one.
    mutating func add(at time: UInt64) -> Bool {
        guard time > last, time - last >= Self.shortest else { return false }
        if Int(copies) < Self.kept { offsets[Int(copies)] = UInt32(clamping: (time - first + 500_000) / 1_000_000) }
        last = time
        if copies < .max { copies += 1 }
        return true
    }

    /// Seconds after the first at which it was sent, the first included.
    var seconds: [Double] {
        [0] + (0..<min(Int(copies), Self.kept)).map { Double(offsets[$0]) / 1000 }
    }
}
