// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets

/// The distance of a host from one agent, by packets that only the host itself can have sent.
package struct FleetHost: Sendable, Hashable {
    package var reporter: FleetReporter
    /// The time of the report, ns since 1970.
    package var time: UInt64
    package var address: IPAddress
    /// 0 for an address of the agent's machine; -1 where no packet proved a distance.
    package var hop: Int
    package var initialTTL: UInt8
    package var ttl: UInt8
    /// Packets that the distance rests on.
    package var packets: UInt64
    package var firstSeen: UInt64
    package var lastSeen: UInt64

    package init(reporter: FleetReporter, time: UInt64, address: IPAddress, hop: Int) {
        self.reporter = reporter
        self.time = time
        self.address = address
        self.hop = hop
        (initialTTL, ttl, packets, firstSeen, lastSeen) = (0, 0, 0, time, time)
    }

    /// The record of a host that an agent's engine knows.
    package init(_ host: HostSummary, by reporter: FleetReporter, time: UInt64) {
        self.init(reporter: reporter, time: time, address: host.address, hop: host.isLocal ? 0 : host.hop ?? -1)
        initialTTL = host.initialTTL ?? 0
        ttl = host.ttl ?? 0
        packets = UInt64(host.samples.reduce(0) { $0 + $1.count })
        (firstSeen, lastSeen) = (host.firstSeen, host.lastSeen)
    }
}
