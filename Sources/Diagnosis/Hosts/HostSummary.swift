// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The summary of one source, for people.
package struct HostSummary: Sendable {
    package var address: IPAddress
    /// The operator's name of it.
    package var device: KnownDevice?
    /// `PacketRecord.domain` of its packets: the VLAN ID, or 0.
    package var domain: UInt16
    /// Its hop by the dominant distance of packets that prove life; `nil` where there is none.
    package var hop: Int?
    package var initialTTL: UInt8?
    /// The TTL that most of those packets arrived with.
    package var ttl: UInt8?
    /// Packets that prove life, of each class.
    package var samples: [(class: FingerprintClass, count: Int)]
    /// The number of those packets for each TTL, the most frequent first.
    package var ttls: [(ttl: UInt8, packets: Int)]
    /// True where several distances have a substantial part of its packets: NAT, a load balancer, anycast, or several
    /// paths.
    ///
    /// Its distance accuses nobody.
    package var isShared: Bool
    /// True where its packets were seen leaving this machine, made here.
    package var isLocal: Bool
    /// ns since 1970.
    package var firstSeen: UInt64
    package var lastSeen: UInt64

    package init(address: IPAddress, domain: UInt16 = 0, firstSeen: UInt64, lastSeen: UInt64) {
        self.address = address
        self.domain = domain
        samples = []
        ttls = []
        isShared = false
        isLocal = false
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
    }

    init(_ host: HostEntry) {
        address = host.key.address
        domain = host.key.domain
        let baseline = host.baseline
        hop = baseline?.distance.hop
        initialTTL = baseline?.distance.initialTTL
        ttl = baseline?.distance.ttl
        samples = FingerprintClass.allCases.map { ($0, host[$0].samples) }
        let all = Baseline([host[.echo], host[.tcp], host[.udp]], isEgress: host.isLocal)
        ttls = all?.ttls ?? []
        isShared = all?.isShared ?? false
        isLocal = host.isLocal
        firstSeen = host.firstSeen
        lastSeen = host.lastSeen
    }
}
