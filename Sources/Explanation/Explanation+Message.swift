// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

extension Explanation.Message {
    /// The facts and a question for the people who can check them; `nil` where nobody has to do anything.
    ///
    /// It states observations, names no guilty party, and has the one UTC time of the answer.
    init?(about finding: Finding, among related: [Finding], _ knowledge: Knowledge) {
        guard finding.needsAction else { return nil }
        switch finding.details {
        case .reset(let reset):
            guard let message = Self.ofReset(finding, reset, related, knowledge) else { return nil }
            self = message
            text = finding.places.brief(text)
        case .path(let path) where path.cause.isProblem:
            to =
                "whoever runs the network between \(finding.called(finding.fiveTuple.source)) and "
                + finding.called(finding.fiveTuple.destination)
            text = "\(finding.summary) \(Self.seen(finding))"
        case .icmpError(let error):
            to = Contact.of(finding.called(error.from), finding.places.addresses[error.from])
            text = "\(finding.summary) \(Self.seen(finding))"
        case .path, .pathChange, .notice: return nil
        }
    }

    private init(_ to: String, _ text: String) {
        self.to = to
        self.text = text
    }

    private static func ofReset(
        _ finding: Finding, _ reset: Finding.Reset, _ related: [Finding], _ knowledge: Knowledge
    ) -> Explanation.Message? {
        let tuple = finding.fiveTuple
        let (server, client) = (finding.called(tuple.source), finding.called(tuple.destination))
        let service = "tcp/\(finding.servicePort)"
        let like = related.filter {
            $0.reset?.sender == reset.sender && $0.reset?.hop == reset.hop && $0.fiveTuple.source == tuple.source
        }
        let first = like.compactMap(\.time).min() ?? finding.time
        let count = max(finding.count, like.reduce(0) { $0 + $1.count })
        let since = first.map { " since \(utc($0))" } ?? ""
        let times = " (\(count == 1 ? "1 reset" : "\(count) resets"))"
        let outcome =
            switch reset.stage {
            case .syn: "refused with a TCP reset"
            case .idle: "reset after \(reset.idleSeconds.map { "\(DecimalText.whole($0)) s of " } ?? "a ")silence"
            default: "cut by a TCP reset"
            }
        let observation = "We see connections from \(client) to \(server) \(service) \(outcome)\(since)\(times)."
        let example =
            "\(finding.time.map { "around \(utc($0)), " } ?? "")five-tuple \(ResetReport.end(finding, tuple.destination, tuple.destinationPort)) "
            + "to \(ResetReport.end(finding, tuple.source, tuple.sourcePort))"
        switch reset.sender {
        case .middlebox:
            let known = knowledge.origins.first { $0.id == reset.origin }?.address ?? reset.originAddress
            let place = (reset.hasCopiedTTL(finding.evidence) ? nil : reset.hop).map { " at hop \($0)" } ?? ""
            let name = finding.device?.name ?? "the device"
            let to =
                place.isEmpty
                ? "whoever runs the network between \(client) and \(server)"
                : Contact.of(name + place + (known.map { " (\($0))" } ?? ""), finding.device)
            let parts = [
                observation, difference(finding, reset, server),
                "Could you check whether a device of yours on this path has a rule or timeout for \(service) \(example)? "
                    + "We can send a capture.",
            ]
            return Explanation.Message(to, parts.compactMap { $0 }.joined(separator: " "))
        case .thisMachine:
            return Explanation.Message(
                "whoever runs \(finding.vantage?.host ?? "this machine")",
                "\(observation) The reset was made on \(finding.vantage?.host ?? "this machine"), with the address of \(server). "
                    + finding.story.advice.text)
        case .host, .hostApplication, .hostKernel, .hostFirewall:
            return Explanation.Message(
                Contact.of(server, finding.places.addresses[tuple.source]),
                "\(observation) The reset came from \(server) itself, as far as we can see. Could you check \(wish(reset, service)) "
                    + "\(example)? We can send a capture.")
        case .undetermined: return nil
        }
    }

    /// The difference that suggests another device, in numbers that both sides can verify.
    private static func difference(_ finding: Finding, _ reset: Finding.Reset, _ server: String) -> String? {
        guard !reset.hasCopiedTTL(finding.evidence) else {
            return "The reset carries the address of \(server), but \(server) went on with the connection afterwards."
        }
        let distances: Set<EvidenceName> = [.ttlHost, .ttlFlow]
        let piece = finding.evidence.first { $0.weight > 0 && distances.contains($0.name) }
        guard let hop = reset.hop, let hostHop = reset.hostHop, hostHop > hop else { return nil }
        let ttls = piece.flatMap { piece in
            piece.expected.map { "its TTL (\(reset.ttl)) differs from the other packets of \(server): \($0.text)" }
        }
        let hops = hostHop - hop == 1 ? "one hop" : "\(hostHop - hop) hops"
        return
            "The reset carries the address of \(server), but \(ttls ?? "it crossed fewer routers than the other packets of \(server)"). "
            + "This suggests a device \(hops) nearer to us. A transparent device just before that point would look the same."
    }

    private static func wish(_ reset: Finding.Reset, _ service: String) -> String {
        switch reset.cause {
        case .portClosed: "whether the service listens on \(service)"
        case .rejected: "whether its packet filter has a rule for \(service)"
        case .aborted, .keepaliveRace: "why the application closed the connection"
        default: "the application's log and the packet filter for \(service)"
        }
    }

    private static func utc(_ time: UInt64) -> String { TimeZoneClock.utc.text(time) + " UTC" }

    private static func seen(_ finding: Finding) -> String {
        finding.time.map { "Seen at \(utc($0))." } ?? ""
    }
}
