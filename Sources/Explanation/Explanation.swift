// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets
package import Reporting

/// The whole story of an address, a connection or a finding: the answer first, then what it rests on and what to do.
package struct Explanation: Sendable {
    /// Something that happened.
    package struct Event: Sendable, Equatable {
        /// ns since 1970; `nil` where the source tells no time.
        package var time: UInt64?
        package var text: String
        package var isProblem: Bool
        /// The finding that tells it.
        package var id: String
    }

    /// A message and its recipient.
    package struct Message: Sendable, Equatable {
        package var to: String
        package var text: String
    }

    package let question: Question
    package let knowledge: Knowledge
    /// The finding that the answer rests on; `nil` where there is none.
    package let lead: Finding?
    /// One sentence.
    package let answer: String
    /// The further remarks to be made at once.
    package let details: [String]
    /// The next step; empty if there is none.
    package let action: String
    /// The oldest first.
    package let timeline: [Event]
    package let path: DrawnPath?
    package let evidence: SortedEvidence
    /// The possible senders of a refusal; empty if nothing was refused.
    package let hypotheses: [Hypothesis]
    /// The ways to settle it, or to make it more certain.
    package let settling: [String]
    package let message: Message?

    package init(_ question: Question, _ knowledge: Knowledge) {
        self.question = question
        self.knowledge = knowledge
        let choice = LeadChoice(question, knowledge)
        lead = choice.lead
        let story = choice.lead?.story
        var details: [String] = []
        if let remark = choice.remark { details.append(remark) }
        if choice.isAboutIt, let story {
            answer = story.answer
            details += story.details
        } else {
            answer = Self.unknown(question, knowledge)
            details += story.map { [$0.answer] + $0.details } ?? []
        }
        if let counts = choice.counts { details.append(counts) }
        self.details = details
        action = story?.advice.sentences ?? Self.actionForUnknown(question)
        // What was told later may have begun earlier. Texts without times are in the order of their packets.
        timeline = choice.related.reversed().enumerated()
            .sorted { ($0.element.time ?? 0, $0.offset) < ($1.element.time ?? 0, $1.offset) }
            .map { Self.event($0.element) }
        path = choice.lead.flatMap { DrawnPath(of: $0, origins: knowledge.origins) }
        evidence = SortedEvidence(choice.lead)
        hypotheses = choice.lead.map(Hypothesis.ofRefusal) ?? []
        settling = choice.lead.map(NextSteps.of) ?? []
        message = choice.lead.flatMap { Message(about: $0, among: choice.related, knowledge) }
    }

    private static func unknown(_ question: Question, _ knowledge: Knowledge) -> String {
        switch question {
        case .finding(let id): return "No finding \(id) is recorded."
        case .address(let address):
            guard let host = knowledge.hosts.first(where: { $0.address == address }) else {
                return "Nothing is known of \(address)."
            }
            return "No resets or path problems are recorded for \(HostReport.called(host))\(Self.place(host))."
        case .flows(let flows):
            guard let flow = flows.first else { return "Nothing is known." }
            let known = knowledge.hosts.first { $0.address == (flow.destination ?? flow.source).address }
            return
                "No resets or path problems are recorded for \(flow)\(known.map { ": \(HostReport.called($0))\(Self.place($0))" } ?? "")."
        }
    }

    private static func place(_ host: HostSummary) -> String {
        if host.isLocal { return ", this machine" }
        let packets = HostReport.proving(host)
        return host.hop.map { " (hop \($0), from \(packets == 1 ? "1 packet" : "\(packets) packets"))" }
            ?? ", which was seen"
    }

    private static func actionForUnknown(_ question: Question) -> String {
        let end: Question.FlowPattern.End?
        switch question {
        case .finding: return "The history may have dropped it: ask for its addresses and ports."
        case .address(let address): end = .init(address)
        case .flows(let flows): end = flows.first.map { $0.destination ?? $0.source }
        }
        let target = end.map { NextSteps.target($0.address, $0.port) } ?? "HOST:PORT"
        return
            "If it has just happened, ask again in three seconds; a verdict takes up to two. Otherwise capture on an interface "
            + "that its packets cross, or probe the port: sudo rstwho probe \(target)."
    }

    private static func event(_ finding: Finding) -> Event {
        let count = finding.count > 1 ? " (\(finding.count) times)" : ""
        let text: String
        if let reset = finding.reset {
            let tuple = finding.fiveTuple
            let cause = reset.cause == .unknown ? "" : ", \(reset.cause.rawValue)"
            text =
                "reset \(ResetReport.end(finding, tuple.source, tuple.sourcePort)) > "
                + "\(ResetReport.end(finding, tuple.destination, tuple.destinationPort)): "
                + (reset.sender == .undetermined ? "sender undetermined" : ResetReport.sender(finding, reset)) + cause
                + count
        } else {
            text = finding.story.answer + count
        }
        let place = finding.time == nil ? finding.frame.map { "frame \($0)  " } ?? "" : ""
        return Event(time: finding.time, text: place + text, isProblem: finding.isProblem, id: finding.id)
    }
}
