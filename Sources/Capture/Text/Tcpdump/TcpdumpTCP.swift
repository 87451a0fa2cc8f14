// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The text of a TCP segment behind `src > dst: `, in the style of 4.x (`Flags [S.], cksum 0x1 (correct), seq 1:2, ack
/// 3, win 4, options […], length 1`) or the one before (`S, cksum 0x1 (correct), 1:2(1) ack 3 win 4 <mss 1460>`).
struct TcpdumpTCP {
    var flags: TCPFlags
    /// As printed: absolute or relative.
    ///
    /// `nil` where tcpdump prints none (a bare ACK).
    var seq: UInt32?
    var ack: UInt32?
    /// The acknowledgement field of a segment without ACK, where it was printed.
    var idleAck: UInt32 = 0
    var window: UInt16 = 0
    var payloadLength: UInt32 = 0
    var options = TextTCPOptions()

    /// `nil` where `text` is not a TCP segment in either style.
    init?(_ text: TextCursor) {
        var cursor = text
        if cursor.skip("tcp: ") || cursor.skip("tcp ") { cursor.skipBlanks() }
        if cursor.skip("Flags [") {
            guard let flags = Self.bracketedFlags(&cursor) else { return nil }
            self.flags = flags
            guard readFields(&cursor) else { return nil }
        } else {
            guard let flags = Self.bareFlags(&cursor) else { return nil }
            self.flags = flags
            guard readOldFields(&cursor) else { return nil }
        }
        if ack != nil { flags.insert(.ack) }
    }

    /// `S.]`, `none]`: letters of `tcp_flag_values` in tcpdump's print-tcp.c.
    private static func bracketedFlags(_ cursor: inout TextCursor) -> TCPFlags? {
        if cursor.skip("none]") { return [] }
        var flags: TCPFlags = []
        while !cursor.skip(byte: UInt8(ascii: "]")) {
            switch cursor.peek() {
            case UInt8(ascii: "."): flags.insert(.ack)
            // The accurate-ECN bit (RFC 9768) is not part of the flags byte.
            case UInt8(ascii: "e"): break
            case let letter:
                guard let flag = flag(letter) else { return nil }
                flags.insert(flag)
            }
            cursor.advance()
        }
        return flags
    }

    /// `S`, `FP`, `.`: the old style has a dot for "none of S, F, R, P", and shows ACK only by the field `ack`.
    private static func bareFlags(_ cursor: inout TextCursor) -> TCPFlags? {
        var flags: TCPFlags = []
        let start = cursor.position
        if cursor.skip(byte: UInt8(ascii: ".")) {
            // Nothing but ECN bits can follow the dot.
        }
        while let flag = flag(cursor.peek()) {
            guard !flags.contains(flag) else { return nil }
            flags.insert(flag)
            cursor.advance()
        }
        let follower = cursor.peek()
        guard cursor.position > start,
            cursor.isAtEnd || follower == UInt8(ascii: " ") || follower == UInt8(ascii: ",")
        else { return nil }
        return flags
    }

    private static func flag(_ letter: UInt8) -> TCPFlags? {
        switch letter {
        case UInt8(ascii: "F"): .fin
        case UInt8(ascii: "S"): .syn
        case UInt8(ascii: "R"): .rst
        case UInt8(ascii: "P"): .psh
        case UInt8(ascii: "U"): .urg
        case UInt8(ascii: "E"): .ece
        case UInt8(ascii: "W"): .cwr
        default: nil
        }
    }

    /// `, cksum …, seq 1:2, ack 3, win 4, options […], length 1`.
    ///
    /// False unless there is a window: the end of the header was not captured, or this is another program's text.
    private mutating func readFields(_ cursor: inout TextCursor) -> Bool {
        var hasWindow = false
        while cursor.skip(", ") {
            if cursor.skip("seq ") {
                guard let value = cursor.number() else { return false }
                seq = UInt32(value)
                if cursor.skip(byte: UInt8(ascii: ":")) { _ = cursor.number() }
            } else if cursor.skip("ack ") {
                guard let value = cursor.number() else { return false }
                ack = UInt32(value)
            } else if cursor.skip("[ack ") {
                // -vv shows the field also where the ACK flag does not make it valid.
                idleAck = cursor.number().map { UInt32($0) } ?? 0
            } else if cursor.skip("win ") {
                guard let value = cursor.number(limit: 0xffff) else { return false }
                window = UInt16(value)
                hasWindow = true
            } else if cursor.skip("length ") {
                guard let value = cursor.number() else { return false }
                payloadLength = UInt32(value)
                // The application's text follows: nothing of it is read.
                return hasWindow
            } else if cursor.skip("options [") {
                guard let close = cursor.find(UInt8(ascii: "]")) else { return false }
                options = Self.options(cursor.limited(to: close))
                cursor.move(to: close + 1)
            }
            Self.skipToComma(&cursor)
        }
        return hasWindow
    }

    /// `, cksum 0x1 (correct), 1:2(1) ack 3 win 4 urg 5 <mss 1460>`, the sum also as `[tcp sum ok]`.
    private mutating func readOldFields(_ cursor: inout TextCursor) -> Bool {
        while true {
            while cursor.skip(byte: UInt8(ascii: ",")) || cursor.skip(byte: UInt8(ascii: " ")) {}
            if cursor.isAtEnd { return false }
            if cursor.skip("cksum ") {
                _ = cursor.hexadecimal()
                cursor.skipBlanks()
                if cursor.peek() == UInt8(ascii: "("), !Self.skipVerdict(&cursor) { return false }
            } else if cursor.peek() == UInt8(ascii: "[") {
                guard let close = cursor.find(UInt8(ascii: "]")) else { return false }
                cursor.move(to: close + 1)
            } else if cursor.skip("ack ") {
                guard let value = cursor.number() else { return false }
                ack = UInt32(value)
            } else if cursor.skip("win ") {
                guard let value = cursor.number(limit: 0xffff) else { return false }
                window = UInt16(value)
                if let open = cursor.find(UInt8(ascii: "<")) {
                    cursor.move(to: open)
                    options = Self.options(cursor.limited(to: cursor.find(UInt8(ascii: ">")) ?? cursor.end))
                }
                return true
            } else {
                guard let first = cursor.number(), cursor.skip(byte: UInt8(ascii: ":")), cursor.number() != nil,
                    cursor.skip(byte: UInt8(ascii: "(")), let length = cursor.number(limit: 0xffff),
                    cursor.skip(byte: UInt8(ascii: ")"))
                else { return false }
                seq = UInt32(first)
                payloadLength = UInt32(length)
            }
        }
    }

    /// `mss 1460,sackOK,TS val 1 ecr 2,nop`; before tcpdump 4.0 `timestamp 1 2`.
    private static func options(_ text: TextCursor) -> TextTCPOptions {
        var options = TextTCPOptions()
        var cursor = text
        if let found = cursor.find("mss ") {
            cursor.move(to: found + 4)
            options.segmentSize = cursor.number(limit: 0xffff).map { UInt16($0) }
        }
        cursor = text
        if let found = cursor.find("TS val ") {
            cursor.move(to: found + 7)
            if let value = cursor.number(), cursor.skip(" ecr "), let echo = cursor.number() {
                options.timestamps = (UInt32(value), UInt32(echo))
            }
        } else if let found = cursor.find("timestamp ") {
            cursor.move(to: found + 10)
            if let value = cursor.number(), cursor.skip(" "), let echo = cursor.number() {
                options.timestamps = (UInt32(value), UInt32(echo))
            }
        }
        return options
    }

    /// Steps over what stands behind a checksum: `(correct)`, `(incorrect -> 0x1)`, and `(incorrect (-> 0x1)`, which
    /// tcpdump 3.9 never closed.
    private static func skipVerdict(_ cursor: inout TextCursor) -> Bool {
        guard let close = cursor.find(UInt8(ascii: ")")) else { return false }
        cursor.move(to: close + 1)
        _ = cursor.skip(byte: UInt8(ascii: ")"))
        return true
    }

    private static func skipToComma(_ cursor: inout TextCursor) {
        while !cursor.isAtEnd, cursor.peek() != UInt8(ascii: ",") { cursor.advance() }
    }
}
