// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// What was told of which route: one finding each, that counts the connections that show it.
///
/// Bounded: at the capacity the route that was quiet longest is forgotten; then, or after ten minutes of quiet, what it does
/// next is told as something new.
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
            default: self = .noAnswer
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

    private var routes: [Key: Entry] = [:]

    /// The finding that is to be told now; `nil` where it is one more of what was told already.
    mutating func tell(_ finding: Finding, of networks: PathNetworks, now: UInt64) -> Finding? {
        guard let path = finding.path else { return finding }
        guard !isSaid(path, of: networks, now: now) else { return nil }
        let family = Family(path.cause)
        let port = family == .noAnswer ? finding.fiveTuple.destinationPort : 0
        let key = Key(networks: networks, port: port, family: family)
        guard var told = routes[key], now &- told.last <= Self.quiet, var before = told.finding.path else {
            makeRoom()
            routes[key] = Entry(finding: finding, last: now, count: finding.count)
            return finding
        }
        told.last = now
        told.finding.count += 1
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
        return open.map {
            var finding = $0.finding
            finding.revision += 1
            return finding
        }.sorted { ($0.time ?? 0, $0.id) < ($1.time ?? 0, $1.id) }
    }
}
