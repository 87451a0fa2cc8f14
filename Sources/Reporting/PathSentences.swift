// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// What people read of a connection's way: what fails, then what shows it.
struct PathSentences {
    let finding: Finding
    let path: Finding.Path

    private var client: String { finding.text(finding.fiveTuple.source) }
    private var server: String { finding.text(finding.fiveTuple.destination) }
    private var crossing: CrossingSentences? {
        path.crossing.map { CrossingSentences(finding: finding, cause: path.cause, crossing: $0) }
    }

    private var service: String { "tcp/\(finding.servicePort)" }

    var summary: String {
        if let crossing { return crossing.summary }
        if let forwarding = path.forwarding {
            return ForwardingSentences(finding: finding, forwarding: forwarding).summary
        }
        return switch path.cause {
        case .ackNotDelivered:
            "\(server) never gets the acknowledgements of \(client): connections to \(service) stall."
        case .acceptQueueFull: "\(server) accepts no more connections to \(service): its accept queue is full."
        case .ackLostOrQueueFull:
            "\(server) repeats its SYN-ACK for \(service): it does not get the acknowledgements of \(client), "
                + "or its accept queue is full."
        case .replyBypasses: "The replies of \(server) to \(client) do not come past here."
        case .oneWayHere: "The packets from \(client) to \(server) do not come past here, the replies do."
        case .oneWayTap: "This tap shows one direction only of nearly all connections."
        case .noAnswer: "Nothing answers the connects from \(client) to \(service) of \(server)."
        case .loss: "Packets between \(client) and \(server) were lost and sent again."
        case .redirectIgnored: "\(client) goes on using a way to \(server) that a redirect told it to leave."
        case .droppedHere: "This machine did not send on packets from \(client) to \(server), \(service)."
        case .droppedBetween: "Packets from \(client) to \(server), \(service), vanish between two points."
        }
    }

    var advice: String {
        if let crossing { return crossing.advice }
        if let forwarding = path.forwarding {
            return ForwardingSentences(finding: finding, forwarding: forwarding).advice
        }
        return switch path.cause {
        case .ackNotDelivered, .replyBypasses, .oneWayHere, .redirectIgnored:
            "Make both directions take the same way, or do not track these connections on the router that sees only one."
        case .acceptQueueFull:
            "Look into the application on \(server): it does not accept. Then raise its listen backlog."
        case .ackLostOrQueueFull:
            "Look at ListenOverflows on \(server) (nstat -az TcpExtListenOverflows), or capture there."
        case .oneWayTap: "Mirror both directions to this port."
        case .noAnswer: "Run: rstwho probe \(server):\(finding.servicePort)"
        case .loss: ""
        case .droppedHere: "Check this machine's packet filter and connection tracking for \(service)."
        case .droppedBetween: "Look at the devices between the two points."
        }
    }

    static func summary(of change: Finding.PathChange, in finding: Finding) -> String {
        "\(finding.text(finding.fiveTuple.source)) moved from the \(ordinal(change.hostHop)) hop to the "
            + "\(ordinal(change.hop)): its packets take another path."
    }

    static func advice(on change: Finding.PathChange, in finding: Finding) -> String {
        "Ask whoever runs the network what changed, if nothing was planned."
    }
}
