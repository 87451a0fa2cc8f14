// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The services to which connections fail, and how many clients that concerns.
///
/// A path finding is about one client network and one server; how bad it is shows when those of one service are taken
/// together. Holds at most `capacity` services, each with `networkLimit` client networks, for a quarter of an hour;
/// when full, the oldest gives way.
struct FailingServices: Sendable {
    /// The number concerned within a quarter of an hour: each extent is counted once when it is reached.
    package enum Extent: String, CaseIterable, Sendable {
        /// Five connections of two client networks.
        case several
        /// Three client networks, or twenty connections.
        case wide
        /// Fifty connections of two client networks.
        case major

        fileprivate func isReached(connections: Int, networks: Int) -> Bool {
            switch self {
            case .several: connections >= 5 && networks >= 2
            case .wide: connections >= 20 || networks >= 3
            case .major: connections >= 50 && networks >= 2
            }
        }
    }

    private struct Key: Hashable {
        var server: IPAddress
        var port: UInt16
        var cause: Finding.PathCause
    }

    private struct Service {
        var began: UInt64
        var connections = 0
        var networks: Set<IPAddress> = []
        var reached: Set<Extent> = []
    }

    /// ns.
    private static let window: UInt64 = 900_000_000_000
    private static let capacity = 512
    private static let networkLimit = 16

    private var services: [Key: Service] = [:]

    /// Takes connections that fail, and returns the extents that are reached with them.
    ///
    /// - `connections`: those that were not counted before.
    mutating func add(_ finding: Finding, _ cause: Finding.PathCause, connections: Int) -> [Extent] {
        let tuple = finding.fiveTuple
        let time = finding.time ?? 0
        let key = Key(server: tuple.destination, port: finding.servicePort, cause: cause)
        var service = services[key] ?? Service(began: time)
        if time > service.began, time - service.began > Self.window { service = Service(began: time) }
        service.connections += connections
        if service.networks.count < Self.networkLimit { service.networks.insert(Self.network(of: tuple.source)) }
        let reached = Extent.allCases.filter { extent in
            !service.reached.contains(extent)
                && extent.isReached(connections: service.connections, networks: service.networks.count)
        }
        service.reached.formUnion(reached)
        if services[key] == nil, services.count >= Self.capacity,
            let oldest = services.min(by: { $0.value.began < $1.value.began })
        {
            services[oldest.key] = nil
        }
        services[key] = service
        return reached
    }

    /// The /24 or /48 of a client.
    private static func network(of address: IPAddress) -> IPAddress {
        address.high == 0 && address.low >> 32 == 0xffff
            ? IPAddress(high: address.high, low: address.low & ~0xff)
            : IPAddress(high: address.high & ~0xffff, low: 0)
    }
}
