// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The sentences that people read. What the user felt comes first, then who sent it, then on what that rests.
extension Finding {
    /// Who sent the reset, from how far, and what the user felt.
    package var summary: String {
        switch sender {
        case .middlebox:
            let host = hostHop.map { "not \(claimed), which is at the \(ordinal($0)) hop" } ?? "not \(claimed)"
            return "A device at the \(ordinal(hop)) hop sent this reset, \(host). \(felt)\(reason)"
        case .thisMachine:
            return "This machine sent this reset in the name of \(claimed)\(hostAway). \(felt)\(reason)"
        case .hostApplication: return "The application on \(claimed) sent this reset. \(felt)\(reason)"
        case .hostKernel: return "The kernel of \(claimed) sent this reset. \(felt)\(reason)"
        case .hostFirewall: return "The packet filter of \(claimed) sent this reset. \(felt)\(reason)"
        case .host:
            return hop == 0
                ? "This machine sent this reset, as \(claimed), its own address. \(felt)\(reason)"
                : "\(claimed) itself sent this reset\(atHop). \(felt)\(reason)"
        case .undetermined: return "Who sent this reset is not known. \(felt) \(capitalised(mostTelling))."
        }
    }

    /// What to do next, as a sentence.
    package var advice: String {
        switch sender {
        case .middlebox:
            switch cause {
            case .idleTimeout:
                return "Ask whoever runs the device at hop \(hop) for its idle timeout, "
                    + "or send TCP keepalives more often than that."
            case .rejected:
                return "Ask whoever runs the device at hop \(hop) to check its policy for \(service)."
            default:
                return "Ask whoever runs the device at hop \(hop) why it resets \(service)."
            }
        case .thisMachine:
            return "Check this machine's own packet filter for \(service): nft list ruleset."
        case .host, .hostApplication, .hostKernel, .hostFirewall:
            switch cause {
            case .portClosed:
                return "Check that the service on \(claimed) runs and listens on \(service); "
                    + "its own packet filter can answer in the same way."
            case .aborted: return "Look into the application's log on \(claimed) at that time."
            case .lateData: return "Usually harmless: data came after \(claimed) had closed the connection."
            default: return "Look at \(claimed): nothing speaks for a device on the path."
            }
        case .undetermined:
            if evidence.contains(where: { $0.name == EvidenceName.noFlow.rawValue }) {
                return "Watch the interface that the connection's other packets cross, and try again."
            }
            return "Ping \(claimed) while rstwho watches: the TTL of its replies tells how far it is."
        }
    }

    private var claimed: String { fiveTuple.source.description }

    private var service: String {
        // The side that was called listens on the lower port, but where the reset answers a SYN it is the source.
        let port = stage == .syn ? fiveTuple.sourcePort : min(fiveTuple.sourcePort, fiveTuple.destinationPort)
        return "tcp/\(port)"
    }

    private var felt: String {
        switch stage {
        case .syn: return "A connect to \(service) was refused."
        case .handshake: return "A connection to \(service) was cut before any data."
        case .data: return "A transfer on \(service) was cut."
        case .idle:
            let seconds = idleSeconds.map { " for \(Int($0.rounded())) s" } ?? ""
            return "A connection to \(service) that had been silent\(seconds) was dropped."
        case .afterClose: return "The connection to \(service) was being closed already."
        case .none: return "No connection that it belongs to was seen."
        }
    }

    private var reason: String {
        switch cause {
        case .portClosed: return " Nothing listens there."
        case .rejected: return " Its policy rejects it."
        case .aborted: return " The application gave up the connection."
        case .lateData: return " Data came after the close."
        case .idleTimeout: return " That is how an idle timeout looks."
        default: return ""
        }
    }

    private var hostAway: String { hostHop.map { $0 > 0 ? ", which is at the \(ordinal($0)) hop" : "" } ?? "" }

    private var atHop: String { hostHop.map { " from the \(ordinal($0)) hop" } ?? "" }

    private var mostTelling: String {
        evidence.max { abs($0.weight) < abs($1.weight) }?.text ?? "nothing to compare it with was seen"
    }
}

private func capitalised(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst()
}

/// 1st, 2nd, 3rd, 4th, 11th, 21st …
func ordinal(_ number: Int) -> String {
    switch (number % 10, number % 100) {
    case (_, 11...13): "\(number)th"
    case (1, _): "\(number)st"
    case (2, _): "\(number)nd"
    case (3, _): "\(number)rd"
    default: "\(number)th"
    }
}
