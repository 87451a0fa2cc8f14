// SPDX-License-Identifier: Apache-2.0

/// The time and place of a packet in a line of their own, before the line of the packet.
///
/// - Windows' pktmon: `10:01:44.000000000 PktGroupId 1, PktNumber 1, Appearance 1, Direction Rx , Type Ethernet ,
///   Component 11, …`; on Windows Server 2019 behind
///   `[00]0000.0000::2023-05-04 10:01:44.1234567 [Microsoft-Windows-PktMon]`.
/// - Junos' `monitor traffic extensive`: `10:01:44.000000  In `.
struct Announcement {
    var stamp: TextClock.Stamp?
    /// `Component 11`; Junos names no interface.
    var interface: Name?
    var isEgress = false

    /// At most 24 bytes of a name, which outlive the line.
    struct Name {
        private var bytes: [UInt8]
        private let memory: Memory

        private final class Memory {
            let base = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 24)
            deinit { base.deallocate() }
        }

        init(_ text: TextCursor) {
            let short = text.limited(to: min(text.end, text.position + 24))
            bytes = short.withBytes { Array($0) }
            memory = Memory()
            for (index, byte) in bytes.enumerated() { memory.base[index] = byte }
        }

        /// Valid as long as the name.
        var cursor: TextCursor { TextCursor(UnsafeBufferPointer(rebasing: memory.base[..<bytes.count])) }
    }

    /// `nil` where the line is none.
    init?(_ line: TextCursor) {
        var cursor = line
        _ = Self.skipLogger(&cursor, stamp: &stamp)
        cursor.skipBlanks()
        if let found = TextClock.stamp(&cursor) { stamp = found }
        guard stamp != nil else { return nil }
        if cursor.starts(with: "PktGroupId ") {
            isEgress = cursor.contains(" Direction Tx")
            if let place = cursor.find("Component ") {
                cursor.move(to: place)
                let end = cursor.find(UInt8(ascii: ",")) ?? cursor.end
                interface = Name(cursor.limited(to: end))
            }
            return
        }
        cursor.skipBlanks()
        isEgress = cursor.isEqual(to: "Out")
        guard isEgress || cursor.isEqual(to: "In") else { return nil }
    }

    /// Steps over `[00]0000.0000::2023-05-04 10:01:44.123456700 [Microsoft-Windows-PktMon] `.
    static func skipLogger(_ cursor: inout TextCursor) -> Bool {
        var stamp: TextClock.Stamp?
        return skipLogger(&cursor, stamp: &stamp)
    }

    private static func skipLogger(_ cursor: inout TextCursor, stamp: inout TextClock.Stamp?) -> Bool {
        guard cursor.peek() == UInt8(ascii: "["),
            let end = cursor.limited(to: cursor.position + 96).find("[Microsoft-Windows-PktMon] "),
            let colons = cursor.limited(to: end).find("::")
        else { return false }
        var time = cursor.limited(to: end)
        time.move(to: colons + 2)
        stamp = TextClock.stamp(&time)
        cursor.move(to: end + 27)
        return true
    }
}
