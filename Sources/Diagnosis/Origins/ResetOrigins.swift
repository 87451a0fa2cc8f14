// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The devices found so far. Bounded: beyond the capacity further ones are not told apart, and counted.
struct ResetOrigins: Sendable {
    private struct Key: Hashable {
        var isThisMachine: Bool
        var hop: Int
        var initialTTL: UInt8
        var isNumbered: Bool
        var hasWindow: Bool
        var dontFragment: Bool
        var interface: String?
        var nextHopMAC: String?
    }

    private static let capacity = 1024
    private(set) var origins: [Origin] = []
    private var numbers: [Key: Int] = [:]
    private(set) var unnamed: UInt64 = 0

    /// Adds a foreign reset to its origin. Returns the origin's number, or `nil` for one too many.
    mutating func add(_ reset: ResetCase, _ verdict: ResetJudge.Verdict, address: IPAddress?) -> Int? {
        let record = reset.record
        let key = Key(
            isThisMachine: verdict.sender == .thisMachine, hop: reset.distance.hop,
            initialTTL: reset.distance.initialTTL, isNumbered: !record.isIPv6 && record.identification != 0,
            hasWindow: record.window != 0, dontFragment: record.dontFragment, interface: reset.vantage?.interface,
            nextHopMAC: reset.headers.sourceMAC)
        let number: Int
        if let known = numbers[key] {
            number = known
        } else {
            guard origins.count < Self.capacity else {
                unnamed += 1
                return nil
            }
            number = origins.count
            numbers[key] = number
            origins.append(
                Origin(
                    id: "o-\(number + 1)", isThisMachine: key.isThisMachine, hop: key.hop, initialTTL: key.initialTTL,
                    hasWindow: key.hasWindow, interface: key.interface, nextHopMAC: key.nextHopMAC))
        }
        origins[number].add(reset, verdict.cause, address: address)
        return number
    }
}
