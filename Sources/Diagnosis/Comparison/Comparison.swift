// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The fate of the same traffic between several points: packets that passed, vanished, appeared or changed, and their
/// delays.
///
/// Pure: no I/O and no clock.
package struct Comparison: Sendable {
    /// Points at the most.
    package static let capacity = 16

    /// A point where packets were captured.
    package struct Point: Sendable {
        package var name: String
        package var packets = 0
        /// Of them seen at another point as well.
        package var shared = 0
        /// Packets of loopback and link-local addresses, which are left out.
        package var local: UInt64 = 0
        /// Packets that were seen before and behind this point, but not here: its capture lost them, or they went
        /// another way.
        package var missed = 0
        /// ns since 1970 by its own clock; absent where the source tells no time.
        package var firstTime: UInt64?
        package var lastTime: UInt64?
        /// The lead of its clock over `reference`'s; absent for the reference point itself.
        package var clock: ClockEstimate?
        package var reference: Int?
    }

    /// Points in the order in which the packets of some hosts pass them.
    package struct Route: Sendable {
        package var points: [Int]
        /// Routers between a point and the next, by TTL.
        package var hops: [Int]
        /// Packets that came past its first point.
        package var packets = 0
        /// The one with most packets: from where to where.
        package var source: IPAddress
        package var destination: IPAddress
        /// Pairs of hosts whose packets go this way.
        package var pairs = 1
        /// True from the side that opens connections to the side that is connected to; `nil` where both go this way, or
        /// nothing tells.
        package var isFromClient: Bool?
    }

    /// From one point to the next.
    package struct Leg: Sendable {
        package var from: Int
        package var to: Int
        package var passed = Tally()
        package var vanished = Tally()
        package var appeared = Tally()
        /// Of those that passed: cut or put together otherwise on the way (offloading), known by their sequence
        /// numbers.
        package var resegmented = 0
        /// Seen at the first point while the other did not capture.
        package var outside = 0
        /// Echoes and datagrams whose addresses a translator on the leg has most likely changed: they were not
        /// followed.
        package var unfollowed = 0
        /// The changed fields, most frequent first.
        package var rewritten: [Rewrite] = []
        /// ns, clocks corrected; absent where no times can be compared.
        package var delay: Delay?
    }

    /// Packets by kind.
    package struct Tally: Sendable, Equatable {
        private var counts = [Int](repeating: 0, count: PacketKind.allCases.count)

        package init() {}

        package var total: Int { counts.reduce(0, +) }

        package subscript(kind: PacketKind) -> Int {
            get { counts[Int(kind.rawValue)] }
            set { counts[Int(kind.rawValue)] = newValue }
        }

        /// The kinds that there are, in the order of a connection's life.
        package var kinds: [(kind: PacketKind, count: Int)] {
            PacketKind.allCases.compactMap { self[$0] > 0 ? ($0, self[$0]) : nil }
        }
    }

    /// A field that had another value behind a leg.
    package struct Rewrite: Sendable, Equatable {
        package enum Field: String, CaseIterable, Sendable {
            /// Routers on the leg, or TTLs set by one.
            case ttl
            case dscp
            case segmentSize = "mss"
            /// Options of SYN and SYN-ACK.
            case windowScale = "wscale"
            case selectiveAcknowledgement = "sack"
            case timestamps
            case signature
            case multipath = "mptcp"
            /// ECE and CWR of the SYN (RFC 3168, 6.1.1).
            case congestion = "ecn"
            case sequence = "seq"
            case source = "src"
            case destination = "dst"
            case identification = "ip_id"
        }

        package var field: Field
        /// The commonest change, as text.
        package var from: String
        package var to: String
        /// Packets with this change; for `seq`, `src` and `dst` connections.
        package var count: Int
        /// Other changes of this field.
        package var others = 0
    }

    /// Of a leg's packets, ns.
    package struct Delay: Sendable, Equatable {
        package var smallest: Int64
        package var median: Int64
        package var high: Int64
        package var samples: Int
        /// False where one direction only passes both points: then the smallest delay is taken for none.
        package var isAbsolute: Bool
    }

    package var points: [Point] = []
    package var routes: [Route] = []
    package var legs: [Leg] = []
    package var findings: [Finding] = []
    /// Forged resets beyond those that have a finding.
    package var furtherResets = 0
    /// The operator's names of the hosts that its routes join.
    package private(set) var places = PlaceNames()

    package init() {}

    /// Points that share no packet with any other: nothing can be said of them.
    package var unrelatedPoints: [Int] { points.indices.filter { points[$0].shared == 0 } }

    /// Names what is known by its own address.
    ///
    /// Hops and neighbours are others at each point.
    package mutating func name(by devices: DeviceNames) {
        for index in findings.indices { devices.name(&findings[index]) }
        for address in routes.flatMap({ [$0.source, $0.destination] }) {
            places.addresses[address] = devices.device(at: address)
        }
    }
}
