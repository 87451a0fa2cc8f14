// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Reporting

/// A finding's evidence by what it speaks for, the weightiest first.
package struct SortedEvidence: Sendable {
    package private(set) var pro: [Evidence] = []
    package private(set) var contra: [Evidence] = []
    /// The pieces with weight 0, which explain.
    package private(set) var notes: [Evidence] = []
    /// The labels of `pro` and `contra`.
    package private(set) var labels = (pro: "For", contra: "Against")

    init(_ finding: Finding?) {
        guard let finding else { return }
        notes = finding.evidence.filter { $0.weight == 0 }
        // Weights are odds for "not the host"; of a path they are odds for the cause.
        let sorted = finding.evidence.sorted { abs($0.weight) > abs($1.weight) }
        var (positive, negative) = (sorted.filter { $0.weight > 0 }, sorted.filter { $0.weight < 0 })
        switch finding.reset?.sender {
        case .host, .hostApplication, .hostKernel, .hostFirewall: swap(&positive, &negative)
        case .undetermined: labels = ("For somebody else", "For the host")
        case .middlebox, .thisMachine, nil: break
        }
        (pro, contra) = (positive, negative)
    }
}
