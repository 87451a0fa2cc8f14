// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The distance of a source by one fingerprint, or several that agree: the dominant distance and the others seen.
///
/// Distances are compared, not TTLs: 59 (64 − 5) and 123 (128 − 5) are equally far.
package struct Baseline: Sendable {
    /// The dominant distance's most frequent TTL.
    package var distance: HopDistance
    /// Packets at the dominant distance.
    package var samples: Int
    /// Packets in all.
    package var total: Int
    private var spread: [(distance: HopDistance, count: Int)]

    /// The share of the packets that is at the dominant distance, 0 to 1.
    package var share: Double { Double(samples) / Double(total) }

    /// The baseline of everything that `fingerprints` counted, or `nil` where that is nothing.
    ///
    /// - `isEgress`: The packets were seen leaving this machine.
    package init?(_ fingerprints: [TTLFingerprint], isEgress: Bool = false) {
        var spread: [(distance: HopDistance, count: Int)] = []
        var total = 0
        for fingerprint in fingerprints {
            total += fingerprint.samples
            for value in fingerprint.values {
                // Packets of a text that does not tell TTLs prove life and no distance.
                if value.ttl == 0 {
                    total -= value.count
                    continue
                }
                if let known = spread.firstIndex(where: { $0.distance.ttl == value.ttl }) {
                    spread[known].count += value.count
                } else {
                    spread.append((HopDistance(ttl: value.ttl, isEgress: isEgress), value.count))
                }
            }
        }
        spread.sort { ($0.count, $0.distance.ttl) > ($1.count, $1.distance.ttl) }
        func count(at hop: Int) -> Int {
            spread.reduce(0) { $1.distance.hop == hop ? $0 + $1.count : $0 }
        }
        // The most packets decide; the sort has put the most frequent TTL of that distance first.
        guard
            let dominant = spread.max(by: { count(at: $0.distance.hop) < count(at: $1.distance.hop) })
        else { return nil }
        let hop = dominant.distance.hop
        self.distance = spread.first { $0.distance.hop == hop }?.distance ?? dominant.distance
        self.samples = count(at: hop)
        self.total = total
        self.spread = spread
    }

    /// The same of the TTLs that a path can have left: a listener that sets the TTL of its own packets must not hide
    /// how far away the host's others come from.
    ///
    /// Where there are no others, of all.
    init?(ofPath fingerprints: [TTLFingerprint], isEgress: Bool) {
        let plausible = fingerprints.map { fingerprint in
            TTLFingerprint(
                fingerprint.values.compactMap { value in
                    HopDistance(ttl: value.ttl, isEgress: isEgress).hop <= EvidenceModel.longestPath
                        ? (value.ttl, UInt16(clamping: value.count)) : nil
                }, others: fingerprint.others)
        }
        if let baseline = Baseline(plausible, isEgress: isEgress) { self = baseline; return }
        self.init(fingerprints, isEgress: isEgress)
    }

    /// The baseline of one direction of a flow whose packets all had one TTL; `nil` where they had several.
    init?(_ flow: FlowTTLs, isEgress: Bool) {
        guard flow.isConstant, flow.first != 0 else { return nil }
        let distance = HopDistance(ttl: flow.first, isEgress: isEgress)
        self.distance = distance
        samples = Int(flow.count)
        total = samples
        spread = [(distance, samples)]
    }

    /// Packets that came as far as `other`, whatever TTL they started from.
    package func samples(asFarAs other: HopDistance) -> Int {
        spread.reduce(0) { $1.distance.hop == other.hop ? $0 + $1.count : $0 }
    }

    /// True where packets arrived with exactly this TTL.
    package func has(ttl: UInt8) -> Bool {
        spread.contains { $0.distance.ttl == ttl }
    }

    /// True where several distances have a substantial part of the packets: several machines behind one address (NAT,
    /// load balancer, anycast), or several paths.
    package var isShared: Bool {
        let other = total - samples
        guard Double(other) >= EvidenceModel.sharedShare * Double(total), other >= EvidenceModel.sharedSamples else {
            return false
        }
        // What is spread thinly over many distances is several machines all the more.
        let named = Set(spread.map(\.distance.hop)).subtracting([distance.hop])
        let most = named.map { hop in spread.reduce(0) { $1.distance.hop == hop ? $0 + $1.count : $0 } }.max() ?? 0
        return most >= EvidenceModel.sharedSamples && Double(most) >= EvidenceModel.sharedShare * Double(total)
            || Double(other) >= 0.5 * Double(total)
    }

    /// Packets by TTL, the most frequent first.
    package var ttls: [(ttl: UInt8, packets: Int)] { spread.map { ($0.distance.ttl, $0.count) } }

    /// `61 (64-3), 4 samples`.
    package var text: String {
        "\(distance), \(samples == 1 ? "1 sample" : "\(samples) samples")"
    }
}
