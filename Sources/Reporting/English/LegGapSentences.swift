// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences about packets that reached one point and not the next: what vanishes where, how much, and why.
struct LegGapSentences {
    let finding: Finding
    let cause: Finding.PathCause
    let crossing: Finding.LegGap

    var story: Story {
        cause == .loss
            ? Story(loss, [rest], advice: .none()) : Story(verdict, [amount, otherWay, size], advice: .init(advice))
    }

    private var advice: String {
        guard cause != .loss else { return "" }
        let place = crossing.isInside ? "at \(crossing.from)" : "between \(crossing.from) and \(crossing.to)"
        if let bypassed = crossing.bypassed {
            return
                "Fix the routing, so that both directions pass \(bypassed) or neither does. Last resort, and only if "
                + "\(bypassed) does no NAT for them: notrack plus accept rules for both directions there."
        }
        if crossing.smallestLost != nil {
            return "Clamp the MSS \(place), and let ICMP \"fragmentation needed\" and \"packet too big\" through."
        }
        switch crossing.firstKind {
        case .syn: return "Check the packet filters \(place) for a rule that drops \(service) without an answer."
        case .synACK, .ack:
            return
                "Check the packet filters \(place): a stateful firewall drops packets that do not fit a connection it knows, "
                + "and it has to see both directions."
        default: return "Check what filters \(service) \(place)."
        }
    }

    private var service: String {
        guard crossing.services == 1 else { return "them" }
        return switch finding.fiveTuple.transport {
        case .tcp: "tcp/\(finding.servicePort)"
        case .udp: "udp/\(finding.servicePort)"
        case .icmp, .icmpv6, .other: "ICMP"
        }
    }

    private var side: String { crossing.isFromClient ? "client" : "server" }

    private var connection: String {
        let tuple = finding.fiveTuple
        switch tuple.transport {
        case .tcp, .udp:
            return "\(end(tuple.source, tuple.sourcePort)) > \(end(tuple.destination, tuple.destinationPort))"
        case .icmp, .icmpv6, .other: return "\(finding.called(tuple.source)) > \(finding.called(tuple.destination))"
        }
    }

    private func end(_ address: IPAddress, _ port: UInt16) -> String {
        let text = finding.text(address)
        return finding.places.called(address, text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)")
    }

    private var verdict: String {
        let what = "The \(side)'s \(Self.name(crossing.firstKind)) of \(connection)"
        guard !crossing.isInside else {
            return
                "\(crossing.from) drops the \(side)'s \(Self.name(crossing.firstKind)) of \(connection): it arrives there and "
                + "neither leaves nor reaches \(crossing.to)."
        }
        return "\(what) is seen at \(crossing.from) and never at \(crossing.to): it vanishes between "
            + "\(crossing.from) and \(crossing.to)."
    }

    private var amount: String {
        let services = crossing.services > 1 ? " to \(crossing.services) ports" : ""
        let connections = finding.count == 1 ? "one connection" : "\(finding.count) connections\(services)"
        let missing = "Missing of \(connections): \(Self.list(crossing.lost))"
        return crossing.passed.total == 0 ? "\(missing)." : "\(missing). Passed: \(Self.list(crossing.passed))."
    }

    private var otherWay: String? {
        guard let bypassed = crossing.bypassed else { return nil }
        return
            "The other direction passes \(crossing.back.joined(separator: ", ")) and bypasses \(bypassed): a stateful firewall "
            + "there sees only half of this connection."
    }

    private var size: String? {
        guard let smallest = crossing.smallestLost, let largest = crossing.largestPassed else { return nil }
        return
            "Segments of \(smallest) bytes or more vanish, those up to \(largest) bytes pass: the MTU is smaller there."
    }

    private var loss: String {
        let total = crossing.lost.total + crossing.passed.total
        let share = DecimalText.format(Double(crossing.lost.total) * 100 / Double(max(1, total)), digits: 2)
        let count = crossing.lost.total
        return
            "\(count) of \(total) packets (\(share) %) \(count == 1 ? "was" : "were") lost between \(crossing.from) and "
            + "\(crossing.to): \(Self.list(crossing.lost))."
    }

    private var rest: String {
        guard crossing.neverCame > 0 else {
            return "All of them, or later ones, arrived when retransmitted: ordinary loss."
        }
        return "\(crossing.neverCame) of them never arrived; too few of each connection to tell a filter from chance."
    }

    /// `4 ACKs, 1 data segment`.
    static func list(_ tally: Comparison.Tally) -> String {
        tally.kinds.map { "\($0.count) \($0.count == 1 ? name($0.kind) : plural($0.kind))" }.joined(separator: ", ")
    }

    static func name(_ kind: PacketKind) -> String {
        switch kind {
        case .syn: "SYN"
        case .synACK: "SYN-ACK"
        case .ack: "ACK"
        case .data: "data segment"
        case .fin: "FIN"
        case .rst: "RST"
        case .echoRequest: "echo request"
        case .echoReply: "echo reply"
        case .udp: "datagram"
        case .icmp: "ICMP message"
        }
    }

    private static func plural(_ kind: PacketKind) -> String {
        kind == .echoReply ? "echo replies" : name(kind) + "s"
    }
}
