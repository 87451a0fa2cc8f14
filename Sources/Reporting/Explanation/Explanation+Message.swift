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
        case .path(let path) where path.cause.isProblem:
            to =
                "whoever runs the network between \(finding.text(finding.fiveTuple.source)) and "
                + finding.text(finding.fiveTuple.destination)
            text = "\(finding.summary) \(Self.seen(finding))"
        case .icmpError(let error):
            to = "whoever runs \(finding.text(error.from))"
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
        let (server, client) = (finding.text(tuple.source), finding.text(tuple.destination))
        let service = "tcp/\(finding.servicePort)"
        let like = related.filter {
            $0.reset?.sender == reset.sender && $0.reset?.hop == reset.hop && $0.fiveTuple.source == tuple.source
        }
        let count = like.reduce(0) { $0 + $1.count }
        let often = count > 1 ? ", \(count) times" : ""
        let cut = reset.stage == .syn ? "refused a connection" : "cut a connection"
        switch reset.sender {
        case .middlebox:
            let address = knowledge.origins.first { $0.id == reset.origin }?.address.map { " (\($0))" } ?? ""
            let device = "the device\(reset.hop.map { " at hop \($0)" } ?? "")\(address)"
            let proof = finding.evidence.filter { $0.weight > 0 }.max { $0.weight < $1.weight }
            let seen = proof.map { "What shows it: \(EvidenceText.sentence($0))." } ?? ""
            return Explanation.Message(
                "whoever runs \(device)",
                "Your device\(reset.hop.map { " at hop \($0)" } ?? "")\(address), counted from \(Self.vantage(finding)), "
                    + "\(cut) of \(client) to \(service) of \(server) with a TCP reset in the name of \(server)\(often). "
                    + "\([Self.seen(finding), seen].filter { !$0.isEmpty }.joined(separator: " ")) Please check \(Self.wish(reset, service))."
            )
        case .thisMachine:
            return Explanation.Message(
                "whoever runs \(finding.vantage?.host ?? "this machine")",
                "This machine \(cut) of \(client) to \(service) of \(server) with a TCP reset in the name of \(server)\(often). "
                    + "\(Self.seen(finding)) \(finding.advice)")
        case .host, .hostApplication, .hostKernel, .hostFirewall:
            guard reset.stage != .afterClose, reset.cause != .halfOpenCheck, reset.cause != .lateData else {
                return nil
            }
            return Explanation.Message(
                "whoever runs \(server)",
                "\(server) itself \(cut) with \(client) on \(service)\(often); no device on the path did. "
                    + [Self.seen(finding), finding.advice].filter { !$0.isEmpty }.joined(separator: " "))
        case .undetermined: return nil
        }
    }

    private static func wish(_ reset: Finding.Reset, _ service: String) -> String {
        switch reset.cause {
        case .idleTimeout: "its idle timeout"
        case .injected: "why it injects resets"
        default: "its policy for \(service)"
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
