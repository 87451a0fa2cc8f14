// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The evidence that this machine dropped packets, and the reasons.
enum ForwardingEvidence {
    /// Reasons of enum skb_drop_reason (include/net/dropreason-core.h) for packets that are not this machine's to
    /// forward: for another host on the same wire, or for its own sockets, those that listen on the wire among them.
    private static let others: Set<String> = ["OTHERHOST", "UNICAST_IN_L2_MULTICAST", "PACKET_SOCK_ERROR"]
    /// Too big for the next link, which this machine says by ICMP: whoever hears of it sends less at once.
    static let tooBig = "PKT_TOO_BIG"
    private static let ownPrefixes = ["NO_SOCKET", "SOCKET_", "TCP_", "UDP_CSUM", "UNIX_"]

    static func isNotForwarding(_ reason: String) -> Bool {
        others.contains(reason) || ownPrefixes.contains { reason.hasPrefix($0) }
    }

    // MARK: Why

    static func reason(_ watch: ForwardingWatch, _ direction: ForwardingDirection) -> Finding.Forwarding.Reason {
        let before = watch.countersBefore
        let counters = watch.facts?.counters
        let told = direction.drop?.reason
        if told == "IP_RPFILTER" { return .reversePath }
        if told == tooBig { return .tooBig }
        if let told, told != "NETFILTER_DROP", told != "NOT_SPECIFIED" { return .kernel(told) }
        if told == nil, grew(before?.reversePathFilter, counters?.reversePathFilter, by: direction.missingCount) {
            return .reversePath
        }
        if let tracked = counters?.tracked, let maximum = counters?.trackedMaximum, maximum > 0, tracked >= maximum {
            return .tableFull(tracked: tracked, maximum: maximum)
        }
        let isInvalid = grew(before?.trackingInvalid, counters?.trackingInvalid, by: 1)
        let isOpening = direction.missing.first?.record.tcpFlags.contains(.syn) ?? false
        switch watch.facts?.tracking {
        case .tracked(let connection)?:
            let isOriginal = direction.arrival == connection.original
            if !connection.isReplied, isOriginal, !isOpening { return .replyNeverSeen }
            if isInvalid { return .invalid }
        case .unknown?:
            let isAnswer = direction.missing.first?.record.tcpFlags.contains(.ack) ?? false
            if isAnswer, isInvalid || told == nil || told == "NETFILTER_DROP" { return .openingNeverSeen }
        default: break
        }
        return told == "NETFILTER_DROP" ? .filter : .unknown
    }

    private static func grew(_ before: UInt64?, _ after: UInt64?, by amount: Int) -> Bool {
        guard let before, let after else { return false }
        return after >= before &+ UInt64(amount)
    }

    // MARK: What shows it

    static func pieces(
        _ watch: ForwardingWatch, _ direction: ForwardingDirection, _ reason: Finding.Forwarding.Reason,
        _ surroundings: ForwardingJudge.Surroundings
    ) -> [Evidence] {
        [missing(direction, surroundings), kernel(direction), leaving(direction, surroundings)].compactMap { $0 }
            + notes(watch, direction, reason)
    }

    private static func missing(
        _ direction: ForwardingDirection, _ surroundings: ForwardingJudge.Surroundings
    ) -> Evidence {
        let first = direction.missing.first?.time ?? direction.lastMissing
        let milliseconds = (direction.lastMissing - first) / 1_000_000
        return Evidence(
            .notForwarded, against: true,
            observed: .missing(
                Evidence.Value.Missing(
                    count: direction.missingCount, milliseconds: milliseconds, arrival: direction.arrival,
                    interface: surroundings.interfaceIn)))
    }

    private static func kernel(_ direction: ForwardingDirection) -> Evidence? {
        guard let drop = direction.drop else { return nil }
        return Evidence(.kernelDrop, against: true, observed: drop.reason.map { .text($0) })
    }

    private static func leaving(
        _ direction: ForwardingDirection, _ surroundings: ForwardingJudge.Surroundings
    ) -> Evidence? {
        let way = Evidence.Value.left(by: surroundings.interfaceOut, to: direction.departure.destination)
        if surroundings.hasLeft {
            return Evidence(.leftBefore, against: true, observed: way)
        }
        guard surroundings.destinationLeaves else { return nil }
        return Evidence(.destinationLeft, against: true, observed: way)
    }

    /// Returns the explaining notes.
    private static func notes(
        _ watch: ForwardingWatch, _ direction: ForwardingDirection, _ reason: Finding.Forwarding.Reason
    ) -> [Evidence] {
        [tracking(watch), trackingCounters(watch, reason), reversePath(watch, reason)].compactMap { $0 }
    }

    private static func tracking(_ watch: ForwardingWatch) -> Evidence? {
        switch watch.facts?.tracking {
        case .tracked(let connection)?:
            return Evidence(note: .trackingState, observed: .tracking(connection))
        case .unknown?: return Evidence(note: .trackingState, observed: .sign(.untracked))
        case .unreadable(let problem)?:
            return Evidence(note: .trackingState, observed: .unreadable(problem))
        case .absent?, nil:
            return nil
        }
    }

    private static func trackingCounters(
        _ watch: ForwardingWatch, _ reason: Finding.Forwarding.Reason
    ) -> Evidence? {
        guard let before = watch.countersBefore, let after = watch.facts?.counters else { return nil }
        if case .tableFull(let tracked, let maximum) = reason {
            return Evidence(note: .trackingCounter, observed: .share(tracked, of: maximum))
        }
        let growths = [
            ("invalid", before.trackingInvalid, after.trackingInvalid),
            ("drop", before.trackingDropped, after.trackingDropped),
            ("insert_failed", before.trackingInsertFailed, after.trackingInsertFailed),
        ].compactMap { name, before, after in
            guard let before, let after, after > before else { return nil as Evidence.Value.Growth? }
            return Evidence.Value.Growth(name: name, amount: after - before)
        }
        guard !growths.isEmpty else { return nil }
        return Evidence(note: .trackingCounter, observed: .growths(growths))
    }

    private static func reversePath(_ watch: ForwardingWatch, _ reason: Finding.Forwarding.Reason) -> Evidence? {
        guard reason == .reversePath, let before = watch.countersBefore?.reversePathFilter,
            let after = watch.facts?.counters.reversePathFilter, after > before
        else { return nil }
        return Evidence(
            note: .reversePathFilter,
            observed: .growths([Evidence.Value.Growth(name: nil, amount: after - before)]))
    }
}
