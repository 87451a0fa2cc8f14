// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences about evidence that this machine did not forward packets.
struct ForwardingWords {
    private let piece: Evidence

    init(_ piece: Evidence) { self.piece = piece }

    var sentence: String {
        switch piece.name {
        case .notForwarded: missing
        case .kernelDrop:
            "this machine's kernel says that it dropped the packet"
                + (piece.observed.map { $0.text == "NOT_SPECIFIED" ? "" : " (\($0.text))" } ?? "")
        case .leftBefore: "earlier packets of this connection's direction were seen leaving\(way)"
        case .destinationLeft: "other packets to \(destination) were seen leaving\(way)"
        case .trackingState: tracking
        case .trackingCounter: counters
        case .reversePathFilter:
            "reverse path filtering (rp_filter) dropped \(Counted.packets(growth)) meanwhile, of all connections"
        default: ""
        }
    }

    private var missing: String {
        guard case .missing(let missing)? = piece.observed else { return "" }
        let way = missing.interface.map { " by \($0)" } ?? ""
        return
            "\(Counted.packets(missing.count)) from \(missing.arrival.source) to \(missing.arrival.destination) port "
            + "\(missing.arrival.destinationPort) arrived\(way) and did not leave again"
    }

    private var way: String {
        if case .left(let interface?, _)? = piece.observed { " by \(interface)" } else { "" }
    }

    private var destination: String {
        if case .left(_, let destination)? = piece.observed { "\(destination)" } else { "the destination" }
    }

    private var growth: UInt64 {
        if case .growths(let growths)? = piece.observed { growths.first?.amount ?? 0 } else { 0 }
    }

    private var tracking: String {
        switch piece.observed {
        case .tracking(let connection)?:
            let translation =
                connection.isTranslated
                ? "; it is translated: the server's packets come from \(connection.reply.ends)" : ""
            return "connection tracking (conntrack) has the connection as \(connection.stateText)"
                + (connection.isReplied ? "" : ", without a packet of the reply") + translation
        case .unreadable(let problem)?: return "connection tracking (conntrack) cannot be read: \(problem)"
        default: return "connection tracking (conntrack) does not know the connection"
        }
    }

    private var counters: String {
        if case .share(let tracked, let maximum)? = piece.observed {
            return "connection tracking has \(tracked) connections, and may have \(maximum)"
        }
        return "connection tracking's counters moved meanwhile: \(piece.observed?.text ?? "") (of all connections)"
    }
}
