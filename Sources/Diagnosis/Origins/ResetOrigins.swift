// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The devices found so far.
///
/// Bounded: beyond the capacity further ones are not told apart, and counted.
struct ResetOrigins: Sendable {
    private static let capacity = 1024
    private(set) var origins: [Origin] = []
    private var numbers: [OriginRecord.Key: Int] = [:]
    /// The number in the next one's id.
    private var next = 1
    private(set) var unnamed: UInt64 = 0

    /// Adds a foreign reset to its origin.
    ///
    /// Returns the origin's number, or `nil` for one too many.
    mutating func add(_ reset: ResetCase, _ verdict: ResetJudge.Verdict, address: IPAddress?) -> Int? {
        let record = reset.record
        let key = OriginRecord.Key(
            isThisMachine: verdict.sender == .thisMachine, hop: verdict.hop(of: reset),
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
                    id: "o-\(next)", isThisMachine: key.isThisMachine, hop: key.hop, initialTTL: key.initialTTL,
                    hasWindow: key.hasWindow, interface: key.interface, nextHopMAC: key.nextHopMAC))
            next += 1
        }
        origins[number].add(reset, verdict.cause, address: address)
        return number
    }

    /// All origins with what they are known by.
    var records: [OriginRecord] {
        numbers.sorted { $0.value < $1.value }.map { OriginRecord(key: $0.key, origin: origins[$0.value]) }
    }

    /// Takes back origins of before under their ids; what is known already stays.
    mutating func restore(_ records: [OriginRecord]) {
        for record in records where numbers[record.key] == nil && origins.count < Self.capacity {
            guard record.origin.id.hasPrefix("o-"), let number = Int(record.origin.id.dropFirst("o-".count)),
                (1..<1 << 31).contains(number)
            else { continue }
            numbers[record.key] = origins.count
            origins.append(record.origin)
            // Counts go on from there; they stay far from overflow.
            origins[origins.count - 1].resets = min(record.origin.resets, 1 << 53)
            next = max(next, number + 1)
        }
    }

    /// Forgets the hosts, and the devices' own addresses, that `isUnwanted`, and devices that spoke for no other host.
    ///
    /// Their ids are not given again.
    mutating func forget(where isUnwanted: (IPAddress) -> Bool) {
        let keys = numbers.sorted { $0.value < $1.value }.map(\.key)
        let before = origins
        origins = []
        numbers = [:]
        for (key, var origin) in zip(keys, before) {
            let hadHosts = !origin.hosts.isEmpty
            origin.hosts = origin.hosts.filter { !isUnwanted($0) }
            if let address = origin.address, isUnwanted(address) { origin.address = nil }
            guard !hadHosts || !origin.hosts.isEmpty else { continue }
            numbers[key] = origins.count
            origins.append(origin)
        }
    }
}
