// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The evidence of a reset's distance, compared with the flow's own packets and with the host's.
///
/// A distance that the host's kernel has shown by its echo replies silences the flow's: an application may set the TTL
/// of its data, the kernel does not. Else the flow's baseline goes before the host's: equal five-tuple, equal path.
enum DistanceEvidence {
    static func of(_ reset: ResetCase, host: HostEntry?) -> [Evidence] {
        let distance = reset.distance
        guard reset.record.hasTTL else {
            return [Evidence(note: .noTTL)]
        }
        if reset.isRewritten {
            return [Evidence(note: .ttlRewritten, observed: .distance(distance))]
        }
        if !reset.isOrderUsual, let copy = reset.copy {
            return [Evidence(note: .copiesUnordered, observed: .ttls(reset.record.ttl, copy.ttl))]
        }
        let echo = host.flatMap { Baseline([$0[.echo]], isEgress: $0.isLocal) }
        let flow = flowBaseline(reset, host: host)
        if let echo, echo.distance.hop == distance.hop, echo.share >= EvidenceModel.dominantShare {
            // A balancer or NAT answers ping for the hosts behind it. What drops a silent connection stands between its
            // two ends.
            if let flow, OneHopNearer.dropsSilent(reset, flow: flow) { return [Self.flow(reset, flow, host: host)] }
            if let flow, OneHopNearer.isOf(reset, flow.distance) {
                return [OneHopNearer.forwards(distance, echo, flow)]
            }
            // Another machine may answer ping for the address: where its TCP packets have the reset's TTL, they decide.
            if !echo.has(ttl: distance.ttl), let host, let tcp = Baseline(ofPath: [host[.tcp]], isEgress: host.isLocal),
                tcp.distance.hop == distance.hop, tcp.has(ttl: distance.ttl)
            {
                return [equal(distance, tcp, of: .host)]
            }
            return [equal(distance, echo, of: .echoReplies)]
        }
        // So does a distance that the kernel has shown by its SYN-ACKs and ACKs in other connections, or that the
        // newest of them came from: an application's TTL, or a path that changed since this connection's last packet.
        if let host, let silencing = silencing(distance, host, flow: flow) {
            return silencing
        }
        var evidence: [Evidence] = []
        if let flow {
            if flow.distance.hop > EvidenceModel.longestPath, !flow.has(ttl: distance.ttl) {
                evidence.append(applicationTTL(flow))
            } else {
                evidence.append(Self.flow(reset, flow, host: host))
                // One packet is little: then the host's other packets are heard too.
                if flow.samples >= EvidenceModel.row(.ttlFlow).samplesForFull { return evidence }
            }
        }
        if let host, host.isProven {
            let isKnown = evidence.contains(.applicationTTL)
            return evidence
                + Self.host(reset, host, echo: echo).filter { !isKnown || $0.name != .applicationTTL }
        }
        guard evidence.isEmpty else { return evidence }
        return [Evidence(note: .noBaseline, observed: .distance(distance))]
    }

    private static func silencing(_ distance: HopDistance, _ host: HostEntry, flow: Baseline?) -> [Evidence]? {
        guard let flow, flow.distance.hop != distance.hop else { return nil }
        if let tcp = Baseline([host[.tcp]], isEgress: host.isLocal), tcp.distance.hop == distance.hop,
            tcp.share >= EvidenceModel.dominantShare, tcp.samples >= EvidenceModel.row(.ttlFlow).samplesForFull
        {
            return [equal(distance, tcp, of: .otherConnections)]
        }
        let newest = host.newest
        guard newest.distance.hop == distance.hop, newest.run >= EvidenceModel.agreeingRun else { return nil }
        return [
            Evidence(
                note: .pathMoved, observed: .distance(distance, of: .newest(newest.run)),
                expected: .distance(flow.distance, samples: flow.samples, of: .connection))
        ]
    }

    /// The flow's own packets in the reset's direction, where they came the reset's way and all equally far.
    private static func flowBaseline(_ reset: ResetCase, host: HostEntry?) -> Baseline? {
        guard let side = reset.flow?.source, side.domain == reset.record.domain else { return nil }
        if let baseline = Baseline(side.ttls, isEgress: host?.isLocal ?? false) { return baseline }
        // A SYN could be forged, and accuses nobody; but who forges one with the host's TTL has nothing to gain by it.
        guard side.packets > 0, side.ttls.count == 0, side.firstTTL == reset.record.ttl else { return nil }
        var first = FlowTTLs()
        first.add(side.firstTTL)
        return Baseline(first, isEgress: host?.isLocal ?? false)
    }

    private static func flow(_ reset: ResetCase, _ flow: Baseline, host: HostEntry?) -> Evidence {
        let distance = reset.distance
        if flow.distance.hop != distance.hop {
            // The connection may have moved to another path. Whether the old one still carries it shows afterwards.
            if reset.isOfMovedPath {
                return Evidence(
                    note: .pathMoved, observed: .distance(distance),
                    expected: .distance(flow.distance, samples: flow.samples, of: .connection))
            }
            if reset.isFromElsewhere, !reset.aftermath.usesOldLink {
                return otherInterface(distance, flow, of: .connection)
            }
            if distance.hop > flow.distance.hop { return farther(distance, flow) }
            if OneHopNearer.isOf(reset, flow.distance), !OneHopNearer.dropsSilent(reset, flow: flow),
                !OneHopNearer.isKernel(of: host, at: flow.distance)
            {
                return OneHopNearer.undecided(distance, flow)
            }
            return Evidence(
                .ttlFlow, against: true, samples: flow.samples, observed: .distance(distance),
                expected: .distance(flow.distance, samples: flow.samples, of: .connection))
        }
        if !flow.has(ttl: distance.ttl) { return otherInitialTTL(distance, flow) }
        return Evidence(
            .ttlFlow, against: false, samples: flow.samples, observed: .distance(distance),
            expected: .distance(flow.distance, samples: flow.samples, of: .connection))
    }

    private static func host(_ reset: ResetCase, _ host: HostEntry, echo: Baseline?) -> [Evidence] {
        let distance = reset.distance
        let sockets = Baseline(ofPath: [host[.tcp]], isEgress: host.isLocal)
        let tcp = sockets.flatMap { $0.distance.hop > EvidenceModel.longestPath ? nil : $0 }
        // TCP packets are of the reset's own class; the others stand in for them where there are none, or where an
        // application has set the TTL of those that there are.
        guard
            let baseline = tcp ?? Baseline([host[.echo], host[.udp]], isEgress: host.isLocal),
            let everything = Baseline(ofPath: [host[.echo], host[.tcp], host[.udp]], isEgress: host.isLocal)
        else {
            guard let sockets else { return [] }
            // How many hops that is nobody knows, but the host's own packets have come with it.
            return sockets.has(ttl: distance.ttl)
                ? [equal(distance, sockets, of: .host)] : [applicationTTL(sockets)]
        }
        if baseline.distance.hop > EvidenceModel.longestPath { return [applicationTTL(baseline)] }
        if baseline.distance.hop == distance.hop {
            if !everything.has(ttl: distance.ttl) { return [otherInitialTTL(distance, baseline)] }
            return [equal(distance, baseline, of: .host)]
        }
        let alike = everything.samples(asFarAs: distance)
        // Over several interfaces a host has a distance on each, and one of them may carry little of it.
        let isKnown = Double(alike) >= EvidenceModel.knownShare * Double(everything.total)
        if isKnown || (alike > 0 && host.interfaces.isSeveral) {
            return [
                Evidence(
                    note: .severalDistances, observed: .distance(distance),
                    expected: .distance(
                        everything.distance, samples: everything.samples, of: .few(alike, of: everything.total)))
            ]
        }
        if !reset.interface.isEmpty, !host.interfaces.isEmpty, host.interfaces.isDisjoint(with: reset.interface) {
            return [otherInterface(distance, baseline, of: .host)]
        }
        if reset.isOfMovedPath {
            return [
                Evidence(
                    note: .pathMoved, observed: .distance(distance),
                    expected: .distance(baseline.distance, samples: baseline.samples, of: .host))
            ]
        }
        // The path may have changed: until the new baseline stands, the old one accuses nobody.
        let newest = host.newest
        if newest.distance.hop != baseline.distance.hop,
            newest.run >= (newest.distance.hop == distance.hop ? EvidenceModel.agreeingRun : EvidenceModel.movedRun)
        {
            return [
                Evidence(
                    note: .pathMoved, observed: .distance(distance),
                    expected: .distance(newest.distance, of: .newest(newest.run, before: baseline.distance.hop)))
            ]
        }
        if baseline.share < EvidenceModel.dominantShare {
            return [
                Evidence(
                    note: .severalDistances, observed: .distance(distance),
                    expected: .distance(baseline.distance, samples: baseline.samples, of: .host))
            ]
        }
        if let echo, distance.hop > echo.distance.hop, !reset.isAnsweredFromElsewhere {
            return [
                Evidence(
                    .behindTranslator, against: false, observed: .distance(distance),
                    expected: .distance(echo.distance, samples: echo.samples, of: .echoReplies))
            ]
        }
        if distance.hop > baseline.distance.hop { return [farther(distance, baseline)] }
        if tcp != nil, OneHopNearer.isOf(reset, baseline.distance),
            !OneHopNearer.isKernel(of: host, at: baseline.distance)
        {
            return [OneHopNearer.undecided(distance, baseline)]
        }
        let kernel = echo?.samples(asFarAs: baseline.distance) ?? 0
        return unequal(distance, baseline, samples: everything.samples(asFarAs: baseline.distance), kernel: kernel)
    }

    /// No application sets the TTL of an echo reply: two of them weigh as much as three other packets against a reset
    /// that comes from at least two hops nearer.
    ///
    /// - `samples`: Of all classes that agree with `baseline`.
    /// - `kernel`: The echo replies among them.
    private static func unequal(
        _ distance: HopDistance, _ baseline: Baseline, samples: Int, kernel: Int
    ) -> [Evidence] {
        let extra = baseline.distance.hop - distance.hop >= 2 ? kernel / 2 : 0
        var evidence = Evidence(
            .ttlHost, against: true, samples: samples + extra, observed: .distance(distance),
            expected: .distance(baseline.distance, samples: baseline.samples, of: .host))
        // Far away a route that is one or two hops longer is common.
        if baseline.distance.hop > 9, abs(baseline.distance.hop - distance.hop) <= 2 {
            evidence.weight = min(evidence.weight, 1)
        }
        guard distance.decrements == 0, baseline.distance.decrements >= 1 else { return [evidence] }
        return [
            evidence,
            Evidence(
                .initialTTL, against: true, observed: .distance(distance),
                expected: .distance(baseline.distance, samples: baseline.samples, of: .host)),
        ]
    }

    private static func equal(
        _ distance: HopDistance, _ baseline: Baseline, of packets: Evidence.Value.PacketClass
    ) -> Evidence {
        if !baseline.has(ttl: distance.ttl) { return otherInitialTTL(distance, baseline) }
        return Evidence(
            .ttlHost, against: false, observed: .distance(distance),
            expected: .distance(baseline.distance, samples: baseline.samples, of: packets))
    }

    private static func otherInitialTTL(_ distance: HopDistance, _ baseline: Baseline) -> Evidence {
        Evidence(
            .otherInitialTTL, against: false, observed: .distance(distance),
            expected: .distance(baseline.distance, samples: baseline.samples))
    }

    /// Nothing on the way lies behind the host: another machine of the same service, another way back, or a forger's
    /// own TTL.
    private static func farther(_ distance: HopDistance, _ baseline: Baseline) -> Evidence {
        Evidence(
            note: .fartherThanHost, observed: .distance(distance),
            expected: .distance(baseline.distance, samples: baseline.samples))
    }

    private static func otherInterface(
        _ distance: HopDistance, _ baseline: Baseline, of packets: Evidence.Value.PacketClass
    ) -> Evidence {
        Evidence(
            note: .otherInterface, observed: .distance(distance),
            expected: .distance(baseline.distance, samples: baseline.samples, of: packets))
    }

    private static func applicationTTL(_ baseline: Baseline) -> Evidence {
        Evidence(note: .applicationTTL, expected: .number(UInt64(baseline.distance.ttl)))
    }
}
