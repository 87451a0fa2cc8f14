// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// A reset without a socket that came exactly one hop less far than its host's packets: a device in front of that
/// address sent it, or the address's own machine, where it forwards for the one that speaks (containers, a NAT, a
/// proxy).
///
/// A packet of that machine's own kernel decides it. An echo reply is one; TCP packets may all be those of the machine
/// behind.
enum OneHopNearer {
    /// True where `reset` is of this kind.
    static func isOf(_ reset: ResetCase, _ host: HopDistance) -> Bool {
        reset.record.window == 0 && reset.distance.hop == host.hop - 1 && host.hop <= EvidenceModel.longestPath
            && reset.passage == .arrived
    }

    /// True where the host's own kernel is known to be as far as `host`.
    static func isKernel(of entry: HostEntry?, at host: HopDistance) -> Bool {
        guard let entry, let echo = Baseline([entry[.echo]], isEgress: entry.isLocal) else { return false }
        return echo.distance.hop == host.hop && echo.share >= EvidenceModel.dominantShare
    }

    /// A silence of this long (ns) is a reason for a device to forget a connection.
    ///
    /// The shortest timer seen is 7 s (a balancer with short timers, recorded); a pause of 5 s is none.
    private static let silence: UInt64 = 6_000_000_000

    /// True where the connection was silent for so long, longer than ever before, and its source answered what ended
    /// the silence with the reset.
    static func isSilent(_ reset: ResetCase) -> Bool {
        reset.stage != .afterClose && (reset.idle ?? 0) >= silence && reset.isTimerLikely
    }

    /// True where the connection was silent and then reset from nearer than its own packets come: what forgets a silent
    /// connection stands between its two ends, whoever answers ping for its address.
    static func dropsSilent(_ reset: ResetCase, flow: Baseline) -> Bool {
        isSilent(reset) && reset.distance.hop < flow.distance.hop && reset.record.window == 0
            && flow.distance.hop <= EvidenceModel.longestPath
    }

    static func undecided(_ distance: HopDistance, _ baseline: Baseline) -> Evidence {
        Evidence(
            note: .oneHopNearer, observed: .distance(distance),
            expected: .distance(baseline.distance, samples: baseline.samples))
    }

    static func forwards(_ distance: HopDistance, _ echo: Baseline, _ flow: Baseline) -> Evidence {
        Evidence(
            .forwardsForAnother, against: false, observed: .distance(distance),
            expected: .distance(echo.distance, samples: echo.samples))
    }
}
