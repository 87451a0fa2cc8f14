// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// What a reset's distance says, compared with the flow's own packets and with the host's.
///
/// A distance that the host's kernel has shown by its echo replies silences the flow's: an application may set the TTL of its
/// data, the kernel does not. Else the flow's baseline goes before the host's: equal five-tuple, equal path.
struct DistanceEvidence {
    private let reset: HopDistance
    private let evidence: [Evidence]

    /// The evidence; some of it may be abstentions, which weigh nothing.
    static func of(_ reset: ResetCase, host: HostEntry?) -> [Evidence] {
        DistanceEvidence(reset, host: host).evidence
    }

    private init(_ reset: ResetCase, host: HostEntry?) {
        let distance = reset.distance
        self.reset = distance
        let echo = host.flatMap { Baseline([$0[.echo]], isEgress: $0.isLocal) }
        if let echo, echo.distance.hop == distance.hop, echo.share >= EvidenceModel.dominantShare {
            evidence = [Self.hostEqual(distance, echo, kind: "echo replies")]
            return
        }
        var notes: [Evidence] = []
        if let flow = Self.flowBaseline(reset, host: host) {
            if flow.distance.hop > EvidenceModel.longestPath {
                notes.append(Self.applicationTTL(flow))
            } else {
                notes.append(Self.flow(distance, flow))
                if flow.samples >= EvidenceModel.row(.ttlFlow).samplesForFull {
                    evidence = notes
                    return
                }
                // One packet is little: the host's other packets are heard too.
            }
        }
        guard let host, host.isProven else {
            if notes.isEmpty {
                notes.append(
                    Evidence(
                        name: EvidenceName.noBaseline.rawValue, weight: 0, observed: distance.description,
                        text: "nothing that proves where \(reset.record.source) is was seen"))
            }
            evidence = notes
            return
        }
        evidence = notes + Self.host(distance, host, echo: echo)
    }

    /// The flow's own packets in the reset's direction, where they came the reset's way and all equally far.
    private static func flowBaseline(_ reset: ResetCase, host: HostEntry?) -> Baseline? {
        guard let side = reset.flow?.source, side.domain == reset.record.domain, side.ttls.isConstant else {
            return nil
        }
        return Baseline([side.ttls], isEgress: host?.isLocal ?? false)
    }

    private static func flow(_ distance: HopDistance, _ flow: Baseline) -> Evidence {
        let name = EvidenceName.ttlFlow
        if flow.distance.hop != distance.hop {
            return Evidence(
                name: name.rawValue, weight: EvidenceModel.weight(name, against: true, samples: flow.samples),
                observed: distance.description, expected: flow.text,
                text: "this connection's other packets from there came from hop \(flow.distance.hop), "
                    + "the reset from hop \(distance.hop)")
        }
        if !flow.has(ttl: distance.ttl) { return otherInitialTTL(distance, flow) }
        return Evidence(
            name: name.rawValue, weight: EvidenceModel.weight(name, against: false, samples: flow.samples),
            observed: distance.description, expected: flow.text,
            text: "the reset came as far as this connection's other packets from there")
    }

    private static func host(_ distance: HopDistance, _ host: HostEntry, echo: Baseline?) -> [Evidence] {
        let name = EvidenceName.ttlHost
        let tcp = Baseline([host[.tcp]], isEgress: host.isLocal)
        // TCP packets are of the reset's own class; the others stand in for them where there are none.
        guard
            let baseline = tcp ?? Baseline([host[.echo], host[.udp]], isEgress: host.isLocal),
            let everything = Baseline([host[.echo], host[.tcp], host[.udp]], isEgress: host.isLocal)
        else { return [] }
        if baseline.distance.hop > EvidenceModel.longestPath { return [applicationTTL(baseline)] }
        if baseline.distance.hop == distance.hop {
            if !everything.has(ttl: distance.ttl) { return [otherInitialTTL(distance, baseline)] }
            return [hostEqual(distance, baseline, kind: "packets")]
        }
        let alike = everything.samples(asFarAs: distance)
        if Double(alike) >= EvidenceModel.knownShare * Double(everything.total) {
            return [
                Evidence(
                    name: EvidenceName.severalDistances.rawValue, weight: 0, observed: distance.description,
                    expected: everything.text,
                    text: "\(alike) of the host's \(everything.total) packets came as far as the reset")
            ]
        }
        if baseline.share < EvidenceModel.dominantShare {
            return [
                Evidence(
                    name: EvidenceName.severalDistances.rawValue, weight: 0, observed: distance.description,
                    expected: baseline.text, text: "the host's packets come from several distances")
            ]
        }
        if tcp == nil, let echo, distance.hop > echo.distance.hop {
            let name = EvidenceName.behindTranslator
            return [
                Evidence(
                    name: name.rawValue, weight: EvidenceModel.weight(name, against: false),
                    observed: distance.description, expected: echo.text,
                    text: "the reset comes from farther than the address's echo replies: "
                        + "a machine behind a translator that answers ping itself")
            ]
        }
        // Agreeing classes make one baseline with the samples of all.
        var weight = EvidenceModel.weight(
            name, against: true, samples: everything.samples(asFarAs: baseline.distance))
        // Far away a route that is one or two hops longer is common.
        if baseline.distance.hop > 9, abs(baseline.distance.hop - distance.hop) <= 2 { weight = min(weight, 1) }
        var pieces = [
            Evidence(
                name: name.rawValue, weight: weight, observed: distance.description, expected: baseline.text,
                text: "the host's own packets come from hop \(baseline.distance.hop), "
                    + "the reset from hop \(distance.hop)")
        ]
        if distance.decrements == 0, baseline.distance.decrements >= 1 {
            let name = EvidenceName.initialTTL
            pieces.append(
                Evidence(
                    name: name.rawValue, weight: EvidenceModel.weight(name, against: true),
                    observed: distance.description, expected: baseline.text,
                    text: "a TTL of exactly \(distance.ttl) comes from a neighbour, and the host is farther"))
        }
        return pieces
    }

    private static func hostEqual(_ distance: HopDistance, _ baseline: Baseline, kind: String) -> Evidence {
        if !baseline.has(ttl: distance.ttl) { return otherInitialTTL(distance, baseline) }
        let name = EvidenceName.ttlHost
        return Evidence(
            name: name.rawValue, weight: EvidenceModel.weight(name, against: false), observed: distance.description,
            expected: baseline.text, text: "the reset came as far as the host's own \(kind)")
    }

    private static func otherInitialTTL(_ distance: HopDistance, _ baseline: Baseline) -> Evidence {
        let name = EvidenceName.otherInitialTTL
        return Evidence(
            name: name.rawValue, weight: EvidenceModel.weight(name, against: false), observed: distance.description,
            expected: baseline.text,
            text: "the reset came as far as the host's packets but started from \(distance.initialTTL), "
                + "they from \(baseline.distance.initialTTL)")
    }

    private static func applicationTTL(_ baseline: Baseline) -> Evidence {
        Evidence(
            name: EvidenceName.applicationTTL.rawValue, weight: 0, expected: "\(baseline.distance.ttl)",
            text: "a TTL of \(baseline.distance.ttl) was set by the application: it tells no distance")
    }
}
