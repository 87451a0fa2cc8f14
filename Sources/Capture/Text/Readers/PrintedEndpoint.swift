// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// An address with a port behind it, in the ways in which programs print the two: `10.0.0.1.22`, `2001:db8::1.22`,
/// `10.0.0.1:22`, `[2001:db8::1]:22`, `10.0.0.1/22`, or a name in the place of the address.
struct PrintedEndpoint {
    var address: IPAddress
    var port: UInt16?

    /// Reads the whole stretch.
    ///
    /// `nil` where it is no address, or has no port although one is wanted.
    init?(_ text: TextCursor, hasPort: Bool, _ names: inout TextNames) {
        guard hasPort else {
            guard let address = text.host(&names) else { return nil }
            self.address = address
            port = nil
            return
        }
        var host = text
        if host.skip(byte: UInt8(ascii: "[")) {
            guard let close = host.find(UInt8(ascii: "]")), let address = host.limited(to: close).address else {
                return nil
            }
            host.move(to: close + 1)
            guard host.skip(byte: UInt8(ascii: ":")), let port = host.port else { return nil }
            self.address = address
            self.port = port
            return
        }
        guard let end = Self.separator(text) else { return nil }
        var number = text
        number.move(to: end + 1)
        guard let port = number.port, let address = text.limited(to: end).host(&names) else { return nil }
        self.address = address
        self.port = port
    }

    /// The place of the character between address and port: the last `.`, `:` or `/` with digits behind it only.
    private static func separator(_ text: TextCursor) -> Int? {
        var offset = text.count
        while offset > 0, case 48...57 = text.peek(offset - 1) { offset -= 1 }
        guard offset > 1, offset < text.count else { return nil }
        switch text.peek(offset - 1) {
        case UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "/"): return text.position + offset - 1
        default: return nil
        }
    }
}

/// The sequence numbers of acknowledgements without data, which some programs do not print: the number that comes next.
///
/// Bounded: 16,384 directions; when one more comes all are forgotten, and such numbers are 0 until others were printed.
struct NextNumbers {
    private static let capacity = 16_384
    private var next: [FiveTuple: UInt32] = [:]

    /// The sequence number of a segment; `printed` where the program printed it.
    mutating func number(_ printed: UInt32?, ack: UInt32?, taken: UInt32, of tuple: FiveTuple) -> UInt32 {
        if next.count >= Self.capacity { next.removeAll(keepingCapacity: true) }
        let number = printed ?? next[tuple] ?? 0
        if printed != nil { next[tuple] = number &+ taken }
        // The other direction goes on where this one has acknowledged.
        if let ack { next[tuple.reversed] = ack }
        return number
    }
}
