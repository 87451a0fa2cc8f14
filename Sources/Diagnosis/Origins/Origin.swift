// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// One device that sends resets for others: what its resets have in common, and for whom it speaks.
package struct Origin: Sendable {
    /// Hosts, ports and gaps that are named; beyond that they are only counted.
    package static let bound = 256

    /// The IP-ID numbering of a device's resets.
    package enum Numbering: String, Sendable {
        /// IP-ID 0, or IPv6.
        case none
        /// Always the same.
        case constant
        /// Another for each.
        case counting
    }

    /// `o-7`: counted in the order in which they were found.
    package var id: String
    /// This machine itself.
    package var isThisMachine: Bool
    /// Its hop: the neighbour is 1, this machine 0; `nil` where its resets' TTLs do not tell.
    package var hop: Int?
    package var initialTTL: UInt8
    package var numbering = Numbering.none
    /// True where its resets have a window.
    package var hasWindow: Bool
    package var interface: String?
    package var nextHopMAC: String?
    /// Its own address, where an ICMP error from its hop or its IP-ID counter gives it away.
    package var address: IPAddress?
    /// Its name, where the operator has told it.
    package var device: KnownDevice?
    /// Hosts in whose names it resets, and the ports of the services.
    package var hosts: Set<IPAddress> = []
    package var ports: Set<UInt16> = []
    package var causes: Set<Finding.Cause> = []
    package var resets: UInt64 = 0
    /// ns since 1970; `nil` where the source tells no time.
    package var firstSeen: UInt64?
    package var lastSeen: UInt64?
    /// Seconds of silence before its resets, where that was measured.
    package var idleGaps: [Double] = []
    var lastIdentification: UInt32?

    package init(
        id: String, isThisMachine: Bool, hop: Int?, initialTTL: UInt8, hasWindow: Bool, interface: String?,
        nextHopMAC: String?
    ) {
        self.id = id
        self.isThisMachine = isThisMachine
        self.hop = hop
        self.initialTTL = initialTTL
        self.hasWindow = hasWindow
        self.interface = interface
        self.nextHopMAC = nextHopMAC
    }

    /// Hops that its TTL allows besides `hop`: some stacks start from 32, which TTLs up to 32 do not tell from 64.
    package var hopAlternatives: [Int] {
        guard !isThisMachine, initialTTL == 64, let hop, hop > 32, hop <= 64 else { return [] }
        return [hop - 32]
    }

    /// Its idle timer in seconds, where the gaps before at least three of its resets agree to 5 %: the middle of the
    /// largest such group.
    ///
    /// Gaps may be longer, where the device resets only when the next packet comes.
    package var idleTimer: Double? {
        let gaps = idleGaps.sorted()
        var start = 0
        var best = 0..<0
        for end in gaps.indices {
            while gaps[end] > gaps[start] * 1.05 { start += 1 }
            if end + 1 - start > best.count { best = start..<end + 1 }
        }
        return best.count >= 3 ? gaps[best.lowerBound + best.count / 2] : nil
    }
}

extension Origin {
    mutating func add(_ reset: ResetCase, _ cause: Finding.Cause, address: IPAddress?) {
        let record = reset.record
        resets += UInt64(reset.count)
        if hosts.count < Self.bound { hosts.insert(record.source) }
        let port = record.fiveTuple.servicePort(serverIsSource: reset.flow?.serverIsSource)
        if ports.count < Self.bound { ports.insert(port) }
        if cause != .unknown { causes.insert(cause) }
        if let address { self.address = address }
        if reset.time != 0 {
            firstSeen = min(firstSeen ?? reset.time, reset.time)
            lastSeen = max(lastSeen ?? reset.time, reset.time)
        }
        if reset.stage == .idle, let idle = reset.flow?.idle, idleGaps.count < Self.bound {
            idleGaps.append(Double(idle) / 1e9)
        }
        guard !record.isIPv6, record.identification != 0 else { return }
        if let last = lastIdentification {
            if last != record.identification {
                numbering = .counting
            } else if numbering == .none {
                numbering = .constant
            }
        }
        lastIdentification = record.identification
    }
}
