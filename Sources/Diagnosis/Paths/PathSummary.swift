// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The ways between a network of clients and a server, for people: where the two directions come past, and how they
/// work.
package struct PathSummary: Sendable, Equatable {
    /// One direction's newest connection.
    package struct Way: Sendable, Equatable {
        /// `nil` where the source of packets has no names.
        package var interface: String?
        /// True where the packets leave this machine; false where they arrive or the capture does not tell.
        package var isOutgoing: Bool
        /// The MAC addresses of the frames, where the capture has them.
        package var from: String?
        package var to: String?
        /// The operator's names of the two.
        package var fromDevice: KnownDevice?
        package var toDevice: KnownDevice?
        /// Connections whose opening packet of this direction was seen.
        package var connections: Int

        package init(
            interface: String? = nil, isOutgoing: Bool = false, from: String? = nil, to: String? = nil,
            connections: Int
        ) {
            self.interface = interface
            self.isOutgoing = isOutgoing
            self.from = from
            self.to = to
            self.connections = connections
        }

        init?(_ link: PathLink, _ names: [String]) {
            guard link.packets > 0 else { return nil }
            let slot = Int(link.interface)
            interface = slot < names.count ? names[slot] : nil
            isOutgoing = link.isOutgoing
            from = link.from == 0 ? nil : PathLink.text(link.from)
            to = link.to == 0 ? nil : PathLink.text(link.to)
            connections = Int(link.packets)
        }

        /// The next hop: what a leaving frame is sent to, what an arriving one comes from.
        package var nextHop: String? { isOutgoing ? to : from }
    }

    /// Whether the two directions take the same way here.
    package enum Symmetry: String, CaseIterable, Sendable {
        case same
        /// Two ways.
        ///
        /// That is no fault by itself: load balancers, several providers and routers without state live with it.
        case different
        /// Only one direction comes past here.
        case oneWay = "one_way"
        /// It cannot be told from what was seen.
        case unknown
    }

    /// The clients' network: /24, or /64 in IPv6.
    package var network: IPAddress
    package var length: Int
    package var server: IPAddress
    /// The operator's name of the server.
    package var serverDevice: KnownDevice?
    package var there: Way?
    package var back: Way?
    package var symmetry: Symmetry
    /// Connections opened, and those that the server took: it sent data, or acknowledged some.
    package var connections: Int
    package var worked: Int
    package var retransmissions: Int
    /// The shortest from a SYN to its SYN-ACK, s; `nil` where none was seen.
    package var roundTrip: Double?
    /// Ports of the server whose handshakes failed in the last minute of their being seen.
    package var failingPorts: [UInt16]
    /// ns since 1970.
    package var firstSeen: UInt64
    package var lastSeen: UInt64

    package init(network: IPAddress, length: Int, server: IPAddress, firstSeen: UInt64, lastSeen: UInt64) {
        self.network = network
        self.length = length
        self.server = server
        symmetry = .unknown
        connections = 0
        worked = 0
        retransmissions = 0
        failingPorts = []
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
    }

    init(_ entry: PathEntry, _ names: [String]) {
        self.init(
            network: entry.key.network, length: entry.key.length, server: entry.key.server,
            firstSeen: entry.firstSeen, lastSeen: entry.lastSeen)
        there = Way(entry.forward, names)
        back = Way(entry.back, names)
        symmetry =
            switch PathLink.differ(entry.forward, entry.back) {
            case true: .different
            case false: .same
            case nil: entry.isOneWay ? .oneWay : .unknown
            }
        connections = Int(entry.flows)
        worked = Int(entry.worked)
        retransmissions = Int(entry.retransmissions)
        roundTrip = entry.roundTrip == .max ? nil : Double(UInt64(entry.roundTrip) << 10) / 1e9
        failingPorts = entry.failing.indices.map { entry.failing[$0] }.filter { $0 != 0 }.sorted()
    }
}

/// A copy of what the engine knows of paths at one moment.
package struct PathSnapshot: Sendable {
    let entries: [PathEntry]
    let names: [String]
    var devices = DeviceNames()

    /// All of them, the one seen last first, then by server and network.
    package func summaries() -> [PathSummary] {
        let sorted = entries.sorted {
            guard $0.lastSeen == $1.lastSeen else { return $0.lastSeen > $1.lastSeen }
            return ($0.key.server, $0.key.network) < ($1.key.server, $1.key.network)
        }
        return devices.named(sorted.map { PathSummary($0, names) })
    }
}
