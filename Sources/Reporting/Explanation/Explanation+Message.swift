// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

extension Explanation.Message {
    /// What whoever can mend it needs to read; `nil` where nobody has to do anything.
    init?(about finding: Finding, among related: [Finding], _ knowledge: Knowledge) {
        guard !finding.advice.hasPrefix("Nothing to do") else { return nil }
        switch finding.details {
        case .reset(let reset):
            guard let message = Self.ofReset(finding, reset, related, knowledge) else { return nil }
            self = message
            text = finding.places.brief(text)
            // Whoever reads it is asked already.
            for device in finding.places.addresses.values {
                guard let owner = device.owner else { continue }
                text = text.replacing(" Ask \(owner) about \(device.name).", with: "")
            }
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
        let count = like.reduce(0) { $0 + $1.count }
        let often = count > 1 ? ", \(count) times" : ""
        let cut = reset.stage == .syn ? "refused a connection" : "cut a connection"
        let closing = reset.stage == .afterClose ? " that was being closed already" : ""
        let isSure = finding.confidence.map { $0 >= Hypothesis.sure } ?? false
        switch reset.sender {
        case .middlebox:
            let address = knowledge.origins.first { $0.id == reset.origin }?.address.map { " (\($0))" } ?? ""
            guard !reset.hasCopiedTTL(finding.evidence) else {
                return Explanation.Message(
                    "whoever runs the network between \(client) and \(server)",
                    "A device between \(client) and \(server) \(cut) to \(service)\(closing) with a TCP reset in the name of "
                        + "\(server)\(often). \(Self.seen(finding)) From which hop is not known, because it copies the TTL of "
                        + "\(server). Please find out where such resets appear.")
            }
            let place = "\(reset.hop.map { " at hop \($0)" } ?? "")\(address)"
            let name = finding.device?.name
            let proof = finding.evidence.filter { $0.weight > 0 }.max { $0.weight < $1.weight }
            let seen = proof.map { "What shows it: \(Self.text($0, of: finding, server))." } ?? ""
            return Explanation.Message(
                Contact.of((name ?? "the device") + place, finding.device),
                "Your device\(name.map { " " + $0 } ?? "")\(place), counted from \(Self.vantage(finding)), "
                    + "\(cut) of \(client) to \(service) of \(server)\(closing) with a TCP reset in the name of \(server)\(often). "
                    + "\([Self.seen(finding), seen].filter { !$0.isEmpty }.joined(separator: " ")) Please check \(Self.wish(reset, service))."
            )
        case .thisMachine:
            return Explanation.Message(
                "whoever runs \(finding.vantage?.host ?? "this machine")",
                "This machine \(cut) of \(client) to \(service) of \(server)\(closing) with a TCP reset in the name of \(server)\(often). "
                    + "\(Self.seen(finding)) \(finding.advice)")
        case .host, .hostApplication, .hostKernel, .hostFirewall:
            guard reset.stage != .afterClose, reset.cause != .halfOpenCheck, reset.cause != .lateData else {
                return nil
            }
            return Explanation.Message(
                Contact.of(server, finding.places.addresses[tuple.source]),
                "\(server) itself \(cut) with \(client) on \(service)\(often); "
                    + (isSure ? "no device on the path did. " : "nothing speaks for a device on the path. ")
                    + [
                        Self.seen(finding),
                        reset.cause == .unknown
                            ? "Please look into the application's log and the packet filter at that time."
                            : finding.advice,
                    ].filter { !$0.isEmpty }.joined(separator: " "))
        case .undetermined: return nil
        }
    }

    /// For somebody who has not seen the other packets.
    private static func text(_ piece: Evidence, of finding: Finding, _ host: String) -> String {
        let distances: Set<EvidenceName> = [.ttlHost, .ttlFlow]
        guard distances.contains(piece.name), let observed = piece.observed?.text, let expected = piece.expected?.text
        else {
            return EvidenceText.sentence(piece, of: finding)
        }
        return "the reset came with TTL \(observed), packets of \(host) itself with \(expected)"
    }

    private static func wish(_ reset: Finding.Reset, _ service: String) -> String {
        switch reset.cause {
        case .idleTimeout: "its idle timeout"
        case .injected: "why it injects resets"
        case .rejected: "its policy for \(service)"
        default: "why it resets \(service)"
        }
    }

    private static func vantage(_ finding: Finding) -> String {
        let places = [finding.vantage?.host, finding.vantage?.interface].compactMap { $0 }
        return places.isEmpty ? "where the capture was made" : places.joined(separator: " ")
    }

    private static func seen(_ finding: Finding) -> String {
        guard let time = finding.time else { return "" }
        return
            "Seen at \(TimeZoneClock.utc.text(time, hasFraction: true)) UTC\(finding.frame.map { ", frame \($0)" } ?? "")."
    }
}
