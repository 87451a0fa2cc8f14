// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets

/// Resets of connections that this machine translates, which came past without their translation: a packet that
/// connection tracking took for invalid (outside the window, say) is not translated back, and whoever gets it knows no
/// such connection and resets it.
///
/// At most `budget` questions to the kernel in `interval` of packet time; what exceeds that keeps its cause.
package struct UntranslatedResets: ~Copyable {
    private static let budget = 64
    /// ns.
    private static let interval: UInt64 = 100_000_000

    /// This machine's own addresses now.
    package var localAddresses: Set<IPAddress>
    private let original: (FiveTuple) -> FiveTuple?
    private var intervalStart: UInt64 = 0
    private var asked = 0

    /// - Parameters:
    ///   - localAddresses: this machine's own at the start.
    ///   - original: gives the original direction of the tracked connection whose untranslated replies look so.
    package init(localAddresses: Set<IPAddress>, original: @escaping (FiveTuple) -> FiveTuple?) {
        self.localAddresses = localAddresses
        self.original = original
    }

    /// Gives resets that prove to be of this kind the cause and its evidence.
    package mutating func mark(_ findings: inout [Finding]) {
        for index in findings.indices where Self.isCandidate(findings[index]) {
            let time = findings[index].time ?? 0
            if time < intervalStart || time - intervalStart >= Self.interval {
                intervalStart = time
                asked = 0
            }
            guard asked < Self.budget else { continue }
            asked += 1
            mark(&findings[index])
        }
    }

    /// A host's own answer without its socket, as far as is known: what an application aborted and what a packet filter
    /// rejected was no such answer.
    private static func isCandidate(_ finding: Finding) -> Bool {
        switch (finding.reset?.sender, finding.vantage?.direction) {
        case (.host, _?), (.hostKernel, _?): true
        default: false
        }
    }

    private func mark(_ finding: inout Finding) {
        let tuple = finding.fiveTuple
        // What it answers looked like this when it was seen: as the replies of a connection do before their
        // translation.
        guard let original = original(tuple.reversed), !localAddresses.contains(original.source) else { return }
        let isMadeHere = finding.evidence.contains(.madeHere)
        let isForwarded = finding.vantage?.direction == "out" && !isMadeHere
        // Where the reply's other end is not the original's, this machine's address stands for that of another; where
        // its source is not what was called, for that of a server.
        let isSourceTranslated = original.source != tuple.source || original.sourcePort != tuple.sourcePort
        let isDestinationTranslated =
            original.destination != tuple.destination || original.destinationPort != tuple.destinationPort
        // On its way out a forwarded reset to a translated destination has its translation already.
        guard isMadeHere ? isSourceTranslated : !isForwarded && isDestinationTranslated && !isSourceTranslated else {
            return
        }
        finding.reset?.cause = .untranslated
        // Of a connection that passes here translated, one side's packets were seen under this name: that looks like a
        // connect without an answer.
        if finding.reset?.stage == .syn { finding.reset?.stage = .data }
        finding.evidence.append(Evidence(.conntrack, weight: 0, observed: .connection(original)))
    }
}
