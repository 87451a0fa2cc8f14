// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

extension ResetSentences {
    /// What to do next, as a sentence.
    var advice: String {
        switch reset.sender {
        case .middlebox: return adviceOnDevice
        case .thisMachine: return adviceOnThisMachine
        case .host, .hostApplication, .hostKernel, .hostFirewall: return adviceOnHost
        case .undetermined: return AbstentionReason(finding).advice(claimed)
        }
    }

    private var adviceOnDevice: String {
        if reset.hasCopiedTTL(finding.evidence) {
            return
                "Find out where it comes from: capture at several points at once and let rstwho compare tell between which "
                + "it appears. Encryption below TCP keeps it out."
        }
        let place = reset.hop.map { " at hop \($0)" } ?? ""
        func ask(_ question: String) -> String {
            Contact.ask((finding.device?.name ?? "the device") + place, finding.device, question)
        }
        return switch reset.cause {
        case .idleTimeout: ask("for its idle timeout, or send TCP keepalives more often than that")
        case .rejected: ask("to check its policy for \(service)")
        case .injected: ask("why it injects resets; encryption below TCP keeps it out")
        default:
            reset.stage == .afterClose
                ? "Usually harmless: the connection was being closed. Where open ones are cut too: "
                    + ask("why it resets \(service)") : ask("why it resets \(service)")
        }
    }

    private var adviceOnThisMachine: String {
        switch reset.cause {
        case .untranslated: return adviceOnTranslation
        default:
            if let rule { return "Check this machine's own rule: \(rule)." }
            return "Check this machine's own packet filter for \(service): nft list ruleset."
        }
    }

    private var adviceOnHost: String {
        switch (reset.cause, reset.sender) {
        case (.portClosed, .hostKernel): return "Start the service on \(claimed), or ask for the right port."
        case (.portClosed, _):
            return "Check that the service on \(claimed) runs and listens on \(service); "
                + "its own packet filter can answer in the same way."
        case (.rejected, _):
            if let rule { return "Check the rule on \(claimed): \(rule)." }
            return "Check the packet filter on \(claimed) for \(service): nft list ruleset."
        case (.aborted, _): return "Look into the application's log on \(claimed) at that time."
        case (.lateData, _): return "Usually harmless: data came after \(claimed) had closed the connection."
        case (.keepaliveRace, _):
            return "Make the client's idle time shorter than the server's keep-alive timeout, or let it retry once."
        case (.halfOpenCheck, _): return "Nothing to do."
        case (.untranslated, _): return adviceOnTranslation
        default:
            return
                "Look into the application's log and the packet filter on \(claimed) at that time: nothing speaks for a "
                + "device on the path."
        }
    }

    private var adviceOnTranslation: String {
        "Set net.netfilter.nf_conntrack_tcp_be_liberal=1 on this machine, or drop packets of state invalid."
    }

    /// This machine's rule that made it, where it is known.
    private var rule: String? { finding.evidence.first(.filterRule)?.observed?.text }
}
