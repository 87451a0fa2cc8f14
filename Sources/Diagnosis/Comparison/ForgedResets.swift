// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Packets

/// Resets that were seen at a point and not at the one before: where they appear is where they were made.
///
/// And those that the engine finds foreign at the first point that saw them.
struct ForgedResets {
    /// Packets of the leg that have to have passed before the host's own capture counts as complete.
    private static let leastPassed = 5
    /// Findings at the most.
    static let capacity = 10_000

    /// Resets without a finding of their own.
    private(set) var further = 0
    /// FlowUnion that such a reset ended.
    private(set) var conversations: Set<UInt32> = []
    private var findings: [Finding] = []

    init(_ judge: ComparisonJudge, _ appeared: [ComparisonJudge.Unmatched], _ resets: [[UInt64: Finding]]) {
        var seen: Set<UInt32> = []
        for stray in appeared {
            let (from, to) = (Int(stray.from), Int(stray.to))
            guard let packet = judge.packet(Int(stray.row), at: to), packet.kind == .rst else { continue }
            seen.insert(stray.row)
            conversations.insert(judge.conversations.direction(of: packet, in: to) >> 1)
            guard var finding = resets[to][UInt64(packet.frame)], findings.count < Self.capacity else {
                further += 1
                continue
            }
            finding.file = judge.captures[to].name
            // What the point before missed of what passed it is how likely it is that it missed this one, too.
            let passed = judge.legs[from * judge.points + to]?.leg.passed.total ?? 0
            let missed = judge.missed[from]
            let way = judge.ways.number(of: judge.conversations.direction(of: packet, in: to))
            let isHost = way.map { judge.ways.isAtSource($0, from) } ?? false
            Self.add(
                &finding, from: judge.captures[from].name, to: judge.captures[to].name, missed: missed,
                of: passed + missed, isHost: isHost)
            findings.append(finding)
        }
        addJudged(judge, resets, besides: seen)
    }

    /// Resets that the engine finds foreign at the first point that saw them, whatever other points could have seen.
    private mutating func addJudged(
        _ judge: ComparisonJudge, _ resets: [[UInt64: Finding]], besides seen: Set<UInt32>
    ) {
        guard resets.contains(where: { $0.values.contains { $0.isProblem } }) else { return }
        for row in 0..<judge.join.count where !seen.contains(UInt32(row)) {
            guard let (any, packet) = judge.anyPacket(row), packet.kind == .rst else { continue }
            var (first, earliest) = (any, packet)
            for point in 0..<judge.points {
                guard let other = judge.packet(row, at: point) else { continue }
                guard other.ttl != 0, earliest.ttl != 0 else { continue }
                if HopDistance(ttl: other.ttl).decrements < HopDistance(ttl: earliest.ttl).decrements {
                    (first, earliest) = (point, other)
                }
            }
            guard var finding = resets[first][UInt64(earliest.frame)], finding.isProblem else { continue }
            conversations.insert(judge.conversations.direction(of: earliest, in: first) >> 1)
            guard findings.count < Self.capacity else {
                further += 1
                continue
            }
            finding.file = judge.captures[first].name
            findings.append(finding)
        }
    }

    mutating func takeFindings() -> [Finding] {
        defer { findings = [] }
        return findings
    }

    /// Adds the proof that a point nearer the host did not see the reset, and judges again.
    ///
    /// - `isHost`: `from` is the host's own capture, as far as TTLs tell: what it sends is in it.
    static func add(
        _ finding: inout Finding, from: String, to: String, missed: Int, of total: Int, isHost: Bool = false
    ) {
        guard var reset = finding.reset else { return }
        let full = EvidenceModel.weight(.notSeenNearer, against: true)
        let isProof = isHost && missed == 0 && total >= Self.leastPassed
        let weight = isProof ? full : min(full, -log(Double(missed + 1) / Double(total + 2)))
        finding.evidence.append(
            Evidence(
                .notSeenNearer, weight: weight, observed: .firstSeen(at: to),
                expected: .missed(at: from, isOfHost: isProof)))
        if !reset.sender.isForeign {
            // The distance says what a device can copy, the host's own capture what it cannot.
            let probability = max(
                EvidenceModel.probability(finding.evidence), isProof ? EvidenceModel.foreignThreshold : 0)
            if probability >= EvidenceModel.foreignThreshold {
                if let hop = reset.hop, let hostHop = reset.hostHop, hop >= hostHop { reset.hop = nil }
                if isProof { reset.hop = nil }
                reset.sender = .middlebox
                reset.cause = reset.stage == .syn ? .rejected : reset.stage == .idle ? .idleTimeout : .injected
                finding.confidence = probability
            } else if probability > EvidenceModel.hostThreshold {
                reset.sender = .undetermined
                reset.cause = .unknown
                finding.confidence = nil
            }
        } else {
            finding.confidence = max(finding.confidence ?? 0, EvidenceModel.probability(finding.evidence))
        }
        finding.told = nil
        finding.details = .reset(reset)
    }
}
