// SPDX-License-Identifier: Apache-2.0
package import Diagnosis

/// The counters of findings.
///
/// A reset is counted once, as it was first told; what a revision makes of it is counted apart.
package struct FindingCounters: Sendable {
    package struct SenderAndScope: Hashable, Sendable {
        package var sender: Finding.Sender
        package var scope: Scope

        package init(sender: Finding.Sender, scope: Scope) {
            self.sender = sender
            self.scope = scope
        }
    }

    package struct FailingService: Hashable, Sendable {
        var cause: Finding.PathCause
        var scope: Scope
        var extent: FailingServices.Extent
    }

    package struct Revision: Hashable, Sendable {
        package var from: Finding.Sender
        package var to: Finding.Sender

        package init(from: Finding.Sender, to: Finding.Sender) {
            self.from = from
            self.to = to
        }
    }

    package private(set) var resets: [SenderAndScope: UInt64] = [:]
    /// Resets of devices that are expected to send them; part of the above.
    package private(set) var expected: [Scope: UInt64] = [:]
    package private(set) var causes: [Finding.Cause: UInt64] = [:]
    /// Path findings; one stands for all connections of a route that fail alike.
    package private(set) var paths: [Finding.PathCause: UInt64] = [:]
    /// Services to which connections fail, by cause, scope and how many clients it concerns.
    package private(set) var failingServices: [FailingService: UInt64] = [:]
    private var services = FailingServices()
    package private(set) var revisions: [Revision: UInt64] = [:]
    /// The hop of each reset's sender, where its TTL tells one.
    package private(set) var distance = Histogram(bounds: [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32])
    /// Seconds of packet time from a reset to its first verdict, once for each finding; a reset that stays undetermined
    /// has none.
    package private(set) var verdictDelay = Histogram(bounds: [0.01, 0.1, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3600])

    /// The newest finding of each number above.
    package private(set) var resetExemplars: [SenderAndScope: Exemplar] = [:]
    package private(set) var causeExemplars: [Finding.Cause: Exemplar] = [:]
    package private(set) var pathExemplars: [Finding.PathCause: Exemplar] = [:]

    package init() {}

    /// Counts a finding.
    ///
    /// - `previous`: the sender that the finding's last revision named; `nil` if it is no longer known, which
    ///   counts as `undetermined`, because those are what is usually revised.
    /// - `previousCount`: the number that the finding's last revision stood for; `nil` if it is no longer
    ///   known.
    package mutating func count(
        _ finding: Finding, replacing previous: Finding.Sender?, previousCount: Int? = nil
    ) {
        guard let reset = finding.reset else {
            countOther(finding, previousCount)
            return
        }
        let before = finding.revision == 0 ? .undetermined : previous ?? .undetermined
        let example = (id: finding.id, time: finding.time)
        if finding.revision == 0 {
            let key = SenderAndScope(sender: reset.sender, scope: finding.scope)
            let exemplar = Exemplar(finding: finding.id, value: Double(finding.count), time: finding.time)
            resets[key, default: 0] += UInt64(finding.count)
            causes[reset.cause, default: 0] += UInt64(finding.count)
            if finding.device?.isExpected == true { expected[finding.scope, default: 0] += UInt64(finding.count) }
            resetExemplars[key] = exemplar
            causeExemplars[reset.cause] = exemplar
            if let hop = reset.hop {
                distance.observe(Double(hop), times: UInt64(finding.count), finding: example)
            }
        } else if before != reset.sender {
            revisions[Revision(from: before, to: reset.sender), default: 0] += UInt64(finding.count)
        }
        if before == .undetermined, reset.sender != .undetermined {
            verdictDelay.observe(Double(finding.delay) / 1e9, finding: example)
        }
    }

    private mutating func countOther(_ finding: Finding, _ previousCount: Int?) {
        guard let path = finding.path else { return }
        let new = finding.revision == 0 ? finding.count : finding.count - (previousCount ?? finding.count)
        if new > 0, path.cause.isProblem {
            for extent in services.add(finding, path.cause, connections: new) {
                failingServices[
                    FailingService(cause: path.cause, scope: finding.scope, extent: extent), default: 0] += 1
            }
        }
        guard finding.revision == 0 else { return }
        paths[path.cause, default: 0] += 1
        pathExemplars[path.cause] = Exemplar(finding: finding.id, value: 1, time: finding.time)
    }
}
