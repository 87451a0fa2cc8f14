// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The reported findings by route: one each, which counts the affected connections.
///
/// Bounded: at the capacity the route that was quiet longest is forgotten; then, or after ten minutes of quiet, what it
/// does next is told as something new.
struct PathRoutes {
    /// Causes of one family on one route are one finding.
    enum Family: Hashable {
        case handshake, noAnswer, oneWay, redirect, loss, tap

        init(_ cause: Finding.PathCause) {
            switch cause {
            case .ackNotDelivered, .acceptQueueFull, .ackLostOrQueueFull: self = .handshake
            case .replyBypasses, .oneWayHere: self = .oneWay
            case .redirectIgnored: self = .redirect
            case .loss: self = .loss
            case .oneWayTap: self = .tap
            case .noAnswer, .droppedHere, .droppedBetween: self = .noAnswer
            }
        }
    }

    private struct Key: Hashable {
        var networks: PathNetworks
        /// 0 where all ports of the server share the finding.
        var port: UInt16
        var family: Family
    }

    private struct Entry {
        var finding: Finding
        var last: UInt64
        /// The count in what was told last.
        var count: Int
    }

    static let capacity = 1024
    private static let quiet: UInt64 = 600_000_000_000
    /// Services that a finding names.
    private static let ports = 8

    /// The properties that the stalls of one client share, whatever their servers.
    fileprivate struct ClientKey: Hashable {
        var client: IPAddress
        var port: UInt16
        var repeated: Finding.Path.Repeated?
        var isFirstData: Bool
        var isFromServer: Bool
    }

    /// A client's stalls: the route that was told first, and the servers.
    private struct Client {
        var first: Key
        var servers: [IPAddress]
        var last: UInt64
    }

    /// Servers of a client without an answer from which on its SYNs are told as one, and those that are counted.
    private static let leastServers = 3
    private static let servers = 256

    private var routes: [Key: Entry] = [:]
    private var clients: [ClientKey: Client] = [:]

    /// The finding that is to be told now; `nil` where it is one more of what was told already.
    mutating func tell(_ finding: Finding, of networks: PathNetworks, now: UInt64) -> Finding? {
        guard let path = finding.path else { return finding }
        guard !isSaid(path, of: networks, now: now) else { return nil }
        let family = Family(path.cause)
        let port = family == .noAnswer ? finding.fiveTuple.destinationPort : 0
        var key = Key(networks: networks, port: port, family: family)
        if family == .noAnswer { key = shared(key, finding, path, now: now) }
        guard var told = routes[key], now &- told.last <= Self.quiet, var before = told.finding.path else {
            makeRoom()
            routes[key] = Entry(finding: finding, last: now, count: finding.count)
            return finding
        }
        told.last = now
        told.finding.count += 1
        if let servers = clients[ClientKey(finding, path)]?.servers.count {
            before.servers = max(before.servers, servers)
        }
        if before.bytes != path.bytes { before.bytes = nil }
        before.othersWork = before.othersWork || path.othersWork
        for port in path.ports where !before.ports.contains(port) && before.ports.count < Self.ports {
            before.ports.append(port)
        }
        // What could not be decided is, or is so for another reason.
        let isDecided = before.cause == .ackLostOrQueueFull && path.cause != .ackLostOrQueueFull
        if isDecided {
            let ports = before.ports
            before = path
            before.ports = ports
            told.finding.evidence = finding.evidence
            told.finding.confidence = finding.confidence
        }
        told.finding.details = .path(before)
        let isRound = told.finding.count >= told.count * 10
        if isDecided || isRound {
            told.finding.revision += 1
            told.count = told.finding.count
        }
        routes[key] = told
        return isDecided || isRound ? told.finding : nil
    }

    /// True for an ignored redirect that a failing handshake of the route has named already.
    private func isSaid(_ path: Finding.Path, of networks: PathNetworks, now: UInt64) -> Bool {
        guard path.cause == .redirectIgnored,
            let told = routes[Key(networks: networks, port: 0, family: .handshake)], now &- told.last <= Self.quiet
        else { return false }
        return told.finding.path?.redirect == path.redirect
    }

    /// The route that a client's stall is counted to: its own, or the first of those that share the cause.
    ///
    /// One client whose data stays without an answer from several servers has one trouble: what they share is nearer to
    /// it. SYNs have to be more, because single services are often filtered.
    private mutating func shared(_ key: Key, _ finding: Finding, _ path: Finding.Path, now: UInt64) -> Key {
        // A silence of its own, a size and a signature are causes of their own.
        guard path.silence == nil, path.signature == nil, !path.isOnlyLarge, path.recoveredSeconds == nil else {
            return key
        }
        let clientKey = ClientKey(finding, path)
        let server = finding.fiveTuple.destination
        guard var known = clients[clientKey], now &- known.last <= Self.quiet, routes[known.first] != nil else {
            if clients.count >= Self.capacity, let oldest = clients.min(by: { $0.value.last < $1.value.last }) {
                clients[oldest.key] = nil
            }
            clients[clientKey] = Client(first: key, servers: [server], last: now)
            return key
        }
        known.last = now
        if !known.servers.contains(server), known.servers.count < Self.servers { known.servers.append(server) }
        clients[clientKey] = known
        let isOne = path.repeated == .data || known.servers.count >= Self.leastServers
        return isOne && routes[key] == nil ? known.first : key
    }

    private mutating func makeRoom() {
        guard routes.count >= Self.capacity, let oldest = routes.min(by: { $0.value.last < $1.value.last }) else {
            return
        }
        routes[oldest.key] = nil
    }

    /// Revisions of what has counted on since it was told, in the order in which it was told first.
    mutating func finish() -> [Finding] {
        let open = routes.values.filter { $0.finding.count > $0.count }
        routes.removeAll()
        clients.removeAll()
        return open.map {
            var finding = $0.finding
            finding.revision += 1
            return finding
        }.sorted { ($0.time ?? 0, $0.id) < ($1.time ?? 0, $1.id) }
    }
}

extension PathRoutes.ClientKey {
    init(_ finding: Finding, _ path: Finding.Path) {
        self.init(
            client: finding.fiveTuple.source, port: finding.fiveTuple.destinationPort, repeated: path.repeated,
            isFirstData: path.isFirstData, isFromServer: path.isFromServer)
    }
}
