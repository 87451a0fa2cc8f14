// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences of a notice.
struct NoticeSentences {
    let finding: Finding
    let notice: Finding.Notice

    var story: Story {
        switch notice.cause {
        case .ttlRewritten:
            Story(
                "A next hop rewrites the TTL of all packets, so hop counts through it are meaningless.",
                advice: .none("Capture on the other side of that device."))
        case .resetEvent: resetEvent
        }
    }

    private var resetEvent: Story {
        guard let event = notice.event else {
            return Story("\(finding.count) open connections were reset together.", advice: .none())
        }
        let span = event.seconds < 1 ? "within a second" : "within \(DecimalText.whole(event.seconds.rounded(.up))) s"
        let device = device(event)
        let heard =
            switch event.hostsHeardAfter {
            case event.hosts: "All of these hosts were heard again afterwards."
            case 0: "None of these hosts was heard again here."
            default: "\(event.hostsHeardAfter) of these hosts were heard again afterwards."
            }
        return Story(
            "\(finding.count) open connections of \(event.hosts) hosts were reset \(span), all by \(device).",
            [
                "This is one event: a failover without session state, a restart, a cleared session table or a tunnel that was "
                    + "keyed anew look like this.",
                heard,
                event.secondsSinceEarlier.map { "The event before began \(DecimalText.whole($0)) s earlier." },
            ],
            advice: .init("Compare this time with the log of \(device): failovers, reloads and cleared sessions."))
    }

    private func device(_ event: Finding.ResetEvent) -> String {
        if event.origin != nil { return event.hop.map { "the device at hop \($0)" } ?? "one device on the path" }
        return event.nextHopMAC.map { "senders behind the next hop \($0)" } ?? "senders behind one next hop"
    }
}
