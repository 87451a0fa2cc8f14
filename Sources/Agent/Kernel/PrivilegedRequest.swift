// SPDX-License-Identifier: Apache-2.0
package import Capture
package import Packets

/// A request to this machine's kernel that needs CAP_NET_ADMIN, and its answer as text for another process.
package enum PrivilegedRequest: Sendable, Equatable {
    /// The original direction of the tracked connection whose replies look so before they are translated back.
    case original(ofReply: FiveTuple)
    /// The tracked connection of which this is a direction.
    case connection(FiveTuple)
    /// The packet filter's rules, as nft lists them.
    case rules

    package var text: String {
        switch self {
        case .original(let flow): "original \(Self.text(flow))"
        case .connection(let flow): "connection \(Self.text(flow))"
        case .rules: "rules"
        }
    }

    /// Reads `text`; `nil` for anything else.
    package init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        switch (words.first, Self.flow(words.dropFirst())) {
        case ("original", let flow?): self = .original(ofReply: flow)
        case ("connection", let flow?): self = .connection(flow)
        case ("rules", nil) where words.count == 1: self = .rules
        default: return nil
        }
    }

    /// Asks the kernel, in this process.
    package var answer: String {
        switch self {
        case .original(let flow): ConnectionTracking.original(ofReply: flow).map { Self.text($0) } ?? ""
        case .connection(let flow): Self.text(ConnectionTracking.connection(arrivingAs: flow))
        case .rules: PacketFilterListing.read() ?? ""
        }
    }

    /// Reads the answer to `original`; `nil` where there is no such connection.
    package static func original(_ answer: String) -> FiveTuple? {
        flow(answer.split(separator: " ")[...])
    }

    /// Reads the answer to `connection`.
    package static func connection(_ answer: String) -> ConnectionTracking.Answer {
        let words = answer.split(separator: " ")
        guard words.first == "found" else {
            return answer == "none" ? .notFound : .failed(String(answer.drop { $0 != " " }.dropFirst()))
        }
        guard words.count == 11, let original = flow(words[1...4]), let reply = flow(words[5...8]) else {
            return .failed("it was not understood")
        }
        return .found(
            TrackedConnection(
                original: original, reply: reply, state: words[9] == "-" ? nil : String(words[9]),
                isReplied: words[10].contains("r"), isAssured: words[10].contains("a"),
                adjustsSequence: words[10].contains("s")))
    }

    package static func text(_ answer: ConnectionTracking.Answer) -> String {
        switch answer {
        case .notFound: return "none"
        case .failed(let problem): return "failed \(problem)"
        case .found(let connection):
            let flags = [
                (connection.isReplied, "r"), (connection.isAssured, "a"), (connection.adjustsSequence, "s"),
            ]
            return "found \(text(connection.original)) \(text(connection.reply)) \(connection.state ?? "-") "
                + "-\(flags.filter(\.0).map(\.1).joined())"
        }
    }

    private static func text(_ flow: FiveTuple) -> String {
        "\(flow.source) \(flow.sourcePort) \(flow.destination) \(flow.destinationPort)"
    }

    private static func flow(_ words: ArraySlice<Substring>) -> FiveTuple? {
        let words = Array(words)
        guard words.count == 4, let source = IPAddress(words[0]), let sourcePort = UInt16(words[1]),
            let destination = IPAddress(words[2]), let destinationPort = UInt16(words[3])
        else { return nil }
        return FiveTuple(
            source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort)
    }
}
