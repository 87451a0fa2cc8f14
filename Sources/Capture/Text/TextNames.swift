// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Host and service names in a text that was printed without `-n`.
///
/// A service name becomes its port by the system's services database. A host name is not resolved (today's answer need
/// not be the capture's): each name gets an address of its own from the discard prefix 100::/64 (RFC 6666), which no
/// packet carries, and a report prints the name in its place. Texts that are read into one engine share one table: a
/// name means the same host in all of them, and an address never two.
package struct TextNames: Sendable {
    /// Names of hosts that are remembered; a packet with one more is not understood.
    static let capacity = 65_536
    /// Names of services that are remembered; beyond, each look-up asks the system.
    private static let serviceCapacity = 4096
    /// The upper half of 100::/64.
    private static let prefix: UInt64 = 0x0100_0000_0000_0000

    /// The name that each assigned address stands for.
    private(set) var names: [IPAddress: String] = [:]
    /// The last look-up of an address failed because too many names are remembered.
    var isOverrun = false
    private var addresses: [String: IPAddress] = [:]
    private var services: [String: UInt16?] = [:]

    package init() {}

    /// The address that stands for a name.
    ///
    /// `nil` where `text` cannot be a host's name, or there are too many.
    mutating func address(of text: TextCursor) -> IPAddress? {
        guard (1...253).contains(text.count), Self.isName(text) else { return nil }
        let name = text.text
        if let known = addresses[name] { return known }
        guard addresses.count < Self.capacity else {
            isOverrun = true
            return nil
        }
        let address = IPAddress(high: Self.prefix, low: UInt64(addresses.count + 1))
        addresses[name] = address
        names[address] = name
        return address
    }

    /// The port of a service, as the database has it for `tcp` or `udp`.
    mutating func port(of text: TextCursor, isUDP: Bool) -> UInt16? {
        guard (1...63).contains(text.count), Self.isName(text) else { return nil }
        let name = text.text
        let key = isUDP ? name + "/udp" : name
        if let known = services[key] { return known }
        let found = ServicePort.named(name, isUDP: isUDP)
        if services.count < Self.serviceCapacity { services.updateValue(found, forKey: key) }
        return found
    }

    /// Letters, digits, `-`, `_`, `.`, with a letter among them; or what people put in the place of addresses:
    /// `<SERVER>`, `[client]`, `{x}`, `$HOST`, `(server)`, `***.2`, `10.4.300.2`.
    ///
    /// What is all digits and dots else is a broken address.
    private static func isName(_ text: TextCursor) -> Bool {
        var hasLetter = isDisguised(text)
        for offset in 0..<text.count {
            switch text.peek(offset) {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): hasLetter = true
            case UInt8(ascii: "<"), UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "("), UInt8(ascii: "$"),
                UInt8(ascii: "*"), UInt8(ascii: "%"), UInt8(ascii: "#"), UInt8(ascii: "@"), 0x80...0xff:
                hasLetter = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: ">"), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ")"):
                break
            // A pod with its namespace.
            case UInt8(ascii: "/") where offset > 0 && offset + 1 < text.count: break
            default: return false
            }
        }
        return hasLetter
    }

    /// Four numbers with dots between them of which one is too large for an address, as people write who hide one.
    private static func isDisguised(_ text: TextCursor) -> Bool {
        var cursor = text
        for index in 0..<4 {
            if index > 0, !cursor.skip(byte: UInt8(ascii: ".")) { return false }
            guard cursor.number(limit: 9999) != nil else { return false }
        }
        return cursor.isAtEnd
    }
}
