// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

/// One of the explanations that a refused connection can have.
package struct Hypothesis: Sendable, Equatable {
    package enum Kind: String, CaseIterable, Sendable {
        /// Nothing listens on the port: the host's kernel refuses.
        case portClosed = "port_closed"
        /// A packet filter on the host refuses.
        case hostFilter = "host_filter"
        /// A packet filter on the way refuses in the host's name.
        case pathFilter = "path_filter"

        package var label: String {
            switch self {
            case .portClosed: "port closed"
            case .hostFilter: "the host's own filter"
            case .pathFilter: "a filter on the path"
            }
        }
    }

    package enum State: String, CaseIterable, Sendable {
        case shown
        case possible
        case ruledOut = "ruled_out"

        package var label: String {
            switch self {
            case .shown: "most likely"
            case .possible: "possible"
            case .ruledOut: "ruled out"
            }
        }
    }

    /// From this probability on the sender is taken for shown.
    static let sure = 0.95

    package var kind: Kind
    package var state: State
    package var reason: String
    /// The way to decide, if it is only possible.
    package var test: String?

    /// The three of a connect that was refused; none where the finding is about something else.
    static func ofRefusal(_ finding: Finding) -> [Hypothesis] {
        guard let reset = finding.reset, reset.stage == .syn else { return [] }
        let facts = Facts(finding: finding, reset: reset)
        let hypotheses =
            switch reset.sender {
            case .middlebox, .thisMachine: facts.foreign
            case .hostKernel: facts.kernel
            case .hostFirewall: facts.filter
            case .host, .hostApplication: facts.host
            case .undetermined: facts.unknown
            }
        return hypotheses.map { hypothesis in
            var hypothesis = hypothesis
            hypothesis.reason = finding.places.brief(hypothesis.reason)
            return hypothesis
        }
    }

    /// The facts by which the three are judged.
    private struct Facts {
        let finding: Finding
        let reset: Finding.Reset

        private var name: String { finding.called(finding.fiveTuple.source) }
        private var port: UInt16 { finding.servicePort }

        private var places: String {
            guard let hop = reset.hop else { return "the reset did not come from \(name)" }
            guard reset.sender == .middlebox else { return "this machine made the reset" }
            guard let hostHop = reset.hostHop, hostHop != hop else {
                return "the reset came from a device at hop \(hop)"
            }
            return "\(name) is at hop \(hostHop), the reset came from hop \(hop)"
        }

        var foreign: [Hypothesis] {
            [
                Hypothesis(
                    kind: .portClosed, state: .ruledOut, reason: "\(places): the SYN never reached \(name)"),
                Hypothesis(kind: .hostFilter, state: .ruledOut, reason: "for the same reason"),
                Hypothesis(
                    kind: .pathFilter, state: .shown,
                    reason: reset.sender == .thisMachine
                        ? "this machine's own"
                        : "\(finding.device?.name ?? "the device") at hop \(reset.hop.map(String.init) ?? "?")"),
            ]
        }

        private var path: Hypothesis {
            if reset.hop == 0 {
                return Hypothesis(
                    kind: .pathFilter, state: .ruledOut, reason: "\(name) is this machine, which made the reset itself")
            }
            guard let confidence = finding.confidence, confidence >= Hypothesis.sure else {
                return Hypothesis(
                    kind: .pathFilter, state: .possible, reason: "the evidence for \(name) is not conclusive",
                    test: probe)
            }
            return Hypothesis(
                kind: .pathFilter, state: .ruledOut,
                reason:
                    "the reset came from the same distance as the other packets of \(name); only a transparent device "
                    + "directly in front of it would look the same")
        }

        var kernel: [Hypothesis] {
            [
                Hypothesis(
                    kind: .portClosed, state: .shown,
                    reason: "the reset has the header fields of a TCP stack's answer for a closed port"),
                Hypothesis(kind: .hostFilter, state: .ruledOut, reason: "a packet filter's reset lacks these fields"),
                path,
            ]
        }

        var filter: [Hypothesis] {
            [
                Hypothesis(
                    kind: .portClosed, state: .ruledOut,
                    reason: "for a closed port the TCP stack would copy header fields that this reset lacks"),
                Hypothesis(kind: .hostFilter, state: .shown, reason: "the reset was built by \(name)'s packet filter"),
                path,
            ]
        }

        /// The host, but which part of it cannot be told.
        var host: [Hypothesis] {
            [
                Hypothesis(
                    kind: .portClosed, state: .possible, reason: "a packet filter's reset looks the same",
                    test: "on \(name): ss -ltn 'sport = :\(port)'"),
                Hypothesis(
                    kind: .hostFilter, state: .possible, reason: "a closed port's reset looks the same",
                    test: "on \(name): nft list ruleset"), path,
            ]
        }

        var unknown: [Hypothesis] {
            let reason = AbstentionReason(finding).reason(name)
            let isFilter = finding.evidence.first(.flowLabelMissing)
            return [
                isFilter.map { Hypothesis(kind: .portClosed, state: .ruledOut, reason: $0.text) }
                    ?? Hypothesis(
                        kind: .portClosed, state: .possible, reason: reason,
                        test: "on \(name): ss -ltn 'sport = :\(port)'"),
                Hypothesis(kind: .hostFilter, state: .possible, reason: reason, test: "on \(name): nft list ruleset"),
                Hypothesis(kind: .pathFilter, state: .possible, reason: reason, test: probe),
            ]
        }

        private var probe: String { "sudo rstwho probe \(NextSteps.target(finding.fiveTuple.source, port))" }
    }
}
