// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// What people read of packets that got to one point and not to the next: what vanishes where, how much, and why.
struct LegGapSentences {
    let finding: Finding
    let cause: Finding.PathCause
    let crossing: Finding.LegGap

    var summary: String {
        cause == .loss ? loss : [verdict, amount, otherWay, size].compactMap { $0 }.joined(separator: " ")
    }

    var advice: String {
        guard cause != .loss else { return "" }
        let place = crossing.isInside ? "at \(crossing.from)" : "between \(crossing.from) and \(crossing.to)"
        if let bypassed = crossing.bypassed {
            return "Send both directions the same way, both through \(bypassed) or both past it; or do not track these "
                + "connections at \(bypassed), which never sees the replies (nft: notrack)."
        }
        if crossing.smallestLost != nil {
            return "Clamp the MSS \(place), and let ICMP \"fragmentation needed\" and \"packet too big\" through."
        }
        switch crossing.firstKind {
        case .syn: return "Check the packet filters \(place) for a rule that drops \(service) without an answer."
        case .synACK, .ack:
            return
                "Check the packet filters \(place): one that tracks connections drops what it takes for invalid. It has to "
                + "see both directions, or not to track these connections."
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
            return "\(what) comes in at \(crossing.from), does not go out again and is never seen at \(crossing.to): "
                + "\(crossing.from) drops it."
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
            "The other direction goes \(crossing.back.joined(separator: ", ")): it does not pass \(bypassed), and a device "
            + "there that tracks connections knows only half of this one."
    }

    private var size: String? {
        guard let smallest = crossing.smallestLost, let largest = crossing.largestPassed else { return nil }
        return "Segments with \(smallest) bytes and more vanish, those up to \(largest) pass: the MTU is smaller there."
    }

    private var loss: String {
        let total = crossing.lost.total + crossing.passed.total
        let share = DecimalText.format(Double(crossing.lost.total) * 100 / Double(max(1, total)), digits: 2)
        let count = crossing.lost.total
        return
            "\(count) of \(total) packets (\(share) %) \(count == 1 ? "was" : "were") lost between \(crossing.from) and "
            + "\(crossing.to): \(Self.list(crossing.lost)). \(rest)"
    }

    private var rest: String {
        guard crossing.neverCame > 0 else {
            return "All came when they were sent again, or later ones did: plain loss."
        }
        return "\(crossing.neverCame) of them never came; of each connection too few to tell a filter from chance."
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
