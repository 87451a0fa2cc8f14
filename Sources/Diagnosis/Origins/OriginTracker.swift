// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Tracks the devices that send resets in other hosts' names, and what tells them apart: IP-ID counters and the
/// addresses with which they sign their ICMP errors.
struct OriginTracker: ~Copyable {
    private let inPlace = InPlace()
    private var devices = ResetOrigins()
    private var counters = IdentificationCounters()
    private var addresses = HopAddresses()

    // MARK: Packets

    /// Takes a packet that is no reset.
    @inline(__always)
    mutating func observe(_ record: UnsafePointer<PacketRecord>) { counters.learn(record) }

    /// Takes an ICMP error or redirect about a packet that was seen here.
    mutating func observe(error record: PacketRecord, quotedDestination: IPAddress) {
        addresses.learn(record, quotedDestination: quotedDestination)
    }

    /// The running IP-ID counter whose next place the packet fills, and how many counters were compared.
    func counter(continuedBy record: PacketRecord) -> (counter: IdentificationCounters.Counter, candidates: Int)? {
        counters.continued(by: record)
    }

    /// The address of the only device that was heard from this hop.
    func address(atHop hop: Int, isIPv6: Bool) -> IPAddress? { addresses.address(atHop: hop, isIPv6: isIPv6) }

    // MARK: Resets

    /// Counts a foreign reset to its origin, and names that in the finding.
    mutating func attribute(_ finding: inout Finding, _ reset: ResetCase, _ verdict: ResetJudge.Verdict) {
        // Without a TTL one device is not told from another.
        guard verdict.sender.isForeign, reset.record.hasTTL else { return }
        let address =
            verdict.hop(of: reset).flatMap { self.address(atHop: $0, isIPv6: reset.record.isIPv6) }
            ?? (verdict.evidence.contains(.otherCounter) ? reset.counter?.counter.address : nil)
        guard let number = devices.add(reset, verdict, address: address) else { return }
        let origin = devices.origins[number]
        finding.reset?.origin = origin.id
        finding.reset?.originAddress = origin.address
        finding.reset?.originIdleTimer = origin.idleTimer
    }

    // MARK: State

    /// The devices found so far, in the order in which they were found.
    var origins: [Origin] { devices.origins }

    /// All of them with what they are known by.
    var records: [OriginRecord] { devices.records }

    /// Takes back origins of before under their ids; what is known already stays.
    mutating func restore(_ records: [OriginRecord]) { devices.restore(records) }

    /// Forgets the hosts, and the devices' own addresses, of a prefix.
    mutating func forget(_ prefix: IPPrefix) { devices.forget { prefix.contains($0) } }
}
