// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

extension ResetSentences {
    /// The next step.
    var advice: Story.Advice {
        switch reset.sender {
        case .middlebox: return adviceOnDevice
        case .thisMachine: return adviceOnThisMachine
        case .host, .hostApplication, .hostKernel, .hostFirewall: return adviceOnHost
        case .undetermined: return .init(AbstentionReason(finding).advice(claimed), isNeeded: false)
        }
    }

    private var adviceOnDevice: Story.Advice {
        if reset.hasCopiedTTL(finding.evidence) {
            return .init(
                "Capture at several points at the same time: rstwho compare shows between which of them the reset appears."
            )
        }
        let place = reset.hop.map { " at hop \($0)" } ?? ""
        func ask(_ question: String, or other: String = "") -> Story.Advice {
            .init(Contact.ask((finding.device?.name ?? "the device") + place, finding.device, question) + other)
        }
        return switch reset.cause {
        case .idleTimeout: ask("for its idle timeout", or: " Or send TCP keepalives more often than that.")
        case .rejected: ask("to check its rules for \(service)")
        case .injected: ask("which rule or inspection resets \(service)")
        case .unknown where mayPassOn:
            .init(
                "Connect to \(claimed) \(service) from the other side of that NAT: refused there too, it is \(claimed) itself."
            )
        default:
            reset.stage == .afterClose
                ? .none(
                    "Harmless if users notice nothing: the connection was already closing. If open connections are cut as "
                        + "well, ask \(Contact.of((finding.device?.name ?? "the device") + place, finding.device)) why."
                )
                : ask("why it resets \(service)")
        }
    }

    private var adviceOnThisMachine: Story.Advice {
        switch reset.cause {
        case .untranslated: return adviceOnTranslation
        default:
            if let rule { return .init("Check this machine's own rule: \(rule).") }
            return .init("Check this machine's packet filter for \(service): nft list ruleset.")
        }
    }

    private var adviceOnHost: Story.Advice {
        switch (reset.cause, reset.sender) {
        case (.portClosed, .hostKernel): return .init("Start the service on \(claimed), or use the right port.")
        case (.portClosed, _):
            return .init(
                "Check that the service on \(claimed) runs and listens on \(service); the host's packet filter can answer in "
                    + "the same way.")
        case (.rejected, _):
            if let rule { return .init("Check the rule on \(claimed): \(rule).") }
            return .init("Check the packet filter on \(claimed) for \(service): nft list ruleset.")
        case (.aborted, _) where reset.stage == .afterClose:
            return .none(
                "Harmless if users notice nothing: one side had closed already. If they see errors, read the application's "
                    + "log on \(claimed) for that time.")
        case (.aborted, _): return .init("Read the application's log on \(claimed) for that time.")
        case (.lateData, _) where reset.losesAnswer:
            return .init(
                "Look for a timer for half-closed connections on \(claimed), or on a balancer or firewall beside it (IPVS and "
                    + "conntrack: 60 s in CLOSE_WAIT), that is shorter than the answer takes.")
        case (.staleConnection, _):
            let server = finding.called(finding.fiveTuple.destination)
            return .init(
                "Find out why \(server) still has the old connection (ss -tn there), and whether client ports are reused too "
                    + "soon.")
        case (.lateData, _):
            return .none(
                "Harmless if the other side had received everything. If users see errors, let \(claimed) wait for the other "
                    + "side's close.")
        case (.keepaliveRace, _):
            return .init(
                "Make the client's keep-alive timeout shorter than the server's, or let the client retry once.")
        case (.halfOpenCheck, _): return .none("Nothing to do.")
        case (.untranslated, _): return adviceOnTranslation
        default:
            return .init("On \(claimed), read the application's log for that time and check \(ownFilter).")
        }
    }

    /// The packet filter of a host whose TTL starts where Windows starts is not nftables.
    private var ownFilter: String {
        reset.ttl > 64 && reset.ttl <= 128 ? "its packet filter" : "its packet filter (Linux: nft list ruleset)"
    }

    private var adviceOnTranslation: Story.Advice {
        if finding.evidence.contains(.forwardsForAnother) {
            return .init(
                "On \(claimed), set net.netfilter.nf_conntrack_tcp_be_liberal=1, or drop packets in conntrack state INVALID before "
                    + "its kernel answers them: in chain INPUT if it masquerades, in FORWARD if it forwards a port.")
        }
        if finding.evidence.contains(.otherFlow) {
            let peer = finding.called(finding.fiveTuple.destination)
            return .init(
                "Check the NAT between \(claimed) and \(peer): answers must come back through it (masquerade traffic within the "
                    + "own network too), and packets in conntrack state INVALID must be dropped.")
        }
        return .init(
            "Set net.netfilter.nf_conntrack_tcp_be_liberal=1 on this machine, or drop packets in conntrack state INVALID."
        )
    }

    /// This machine's rule that made it, where it is known.
    private var rule: String? { finding.evidence.first(.filterRule)?.observed?.text }
}
