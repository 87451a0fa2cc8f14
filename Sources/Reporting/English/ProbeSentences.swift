// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The sentences that people read: what the port is, who says so, from where.
extension ProbeResult {
    private var service: String { "tcp/\(port)" }
    private var host: String { places.called(target, target.description) }

    /// The result.
    package var summary: String { places.brief(statement) }

    private var statement: String {
        switch (state, sender) {
        case (.open, .host): "\(service) of \(host) is open: the host itself answers\(hostPlace)."
        case (.open, .undetermined):
            "\(service) of \(host) is open; whether the host itself answers is undecided. \(doubt)"
        case (.open, _): "\(capitalised(whoever)) answers \(service) in the name of \(host)\(hostIs)."
        case (.closed, _) where unreachable != nil:
            "\(service) of \(host) is closed: the host itself says \"port unreachable\"\(hostPlace)."
        case (.closed, _): "\(service) of \(host) is closed: the host itself sends the RST\(hostPlace)."
        case (.rejected, _):
            "\(capitalised(whoever)) sends the RST for \(service), not \(host)\(hostIs)."
        case (.refused, _): "\(service) of \(host) is refused; the sender of the RST is undetermined. \(doubt)"
        case (.filtered, .thisMachine): "This machine's own packet filter drops the SYN to \(service) of \(host)."
        case (.filtered, .middlebox):
            "\(service) of \(host) is filtered: \(whoever) drops the SYN without an answer. \(capitalised(hostIsAt))"
        case (.filtered, _):
            "\(service) of \(host) is filtered: the SYN vanishes without an answer, at the host itself\(hostPlace)"
                + "\(orBefore)."
        case (.prohibited, .host):
            "\(service) of \(host) is rejected by the host itself\(hostPlace): \"\(reason)\"."
        case (.prohibited, _): "\(capitalised(whoever)) rejects \(service) of \(host) by ICMP: \"\(reason)\"."
        case (.unreachable, _) where unreachable == nil: "Packets to \(host) run in a routing loop."
        case (.unreachable, _): "\(host) cannot be reached, \(whoever) says: \"\(reason)\"."
        case (.silent, _):
            lastReached > 0
                ? "\(host) does not answer \(service), ping or UDP; the last hop that answers is "
                    + "hop \(lastReached)\(known(atHop: lastReached))."
                : "\(host) does not answer \(service), ping or UDP, and no device on the path answers either."
        }
    }

    /// The next step.
    package var advice: String { places.brief(places.withOwners(nextStep)) }

    private var nextStep: String {
        switch (state, sender) {
        case (.open, .host): "Nothing to do."
        case (.open, .undetermined), (.refused, _):
            hostHop == nil
                ? "Name a port that the host itself answers: --reference PORT."
                : "Capture the next attempt: rstwho watch sees more than a probe."
        case (.open, _):
            "A proxy or load balancer is usually harmless. " + Contact.ask(toAsk, device, "whether it should answer")
        case (.closed, _):
            "Check that the service on \(host) runs and listens on \(service), on that address; its own packet filter can "
                + "answer in the same way."
        case (.rejected, .thisMachine), (.filtered, .thisMachine), (.prohibited, .thisMachine):
            "Check this machine's own packet filter for \(service): nft list ruleset."
        case (.rejected, _), (.filtered, .middlebox), (.prohibited, .middlebox), (.prohibited, .undetermined):
            Contact.ask(toAsk, device, "to check its rules for \(service)")
        case (.filtered, _):
            "Check the packet filter of \(host) for \(service)\(thenBefore)."
        case (.prohibited, .host): "Check the packet filter of \(host) for \(service): nft list ruleset."
        case (.unreachable, .thisMachine): "Check that \(host) is up, and this machine's route: ip route get \(target)."
        case (.unreachable, _): "Check that \(host) is up, and the routes of the last device on the path."
        case (.silent, _):
            "Check that \(host) is up. If it is, it or a device on the path drops everything: name a port that answers with "
                + "--reference PORT."
        }
    }

    // MARK: Parts

    private var reason: String { unreachable?.text ?? "destination unreachable" }

    /// `the device at hop 2 (10.2.0.2)`.
    private var whoever: String {
        if sender == .thisMachine { return "this machine" }
        let known = [device?.description, address?.description].compactMap { $0 }
        let named = known.isEmpty ? "" : " (\(known.joined(separator: ", ")))"
        guard let hops else { return "a device\(named)" }
        if hops.count == 1 { return "the device at hop \(hops.lowerBound)\(named)" }
        return "a device at hop \(places(hops))"
    }

    /// `the device at hop 2`, `fw1 at hop 2`.
    private var toAsk: String {
        if sender == .thisMachine { return "this machine" }
        guard let hops else { return address.map { places.called($0, "\($0)") } ?? "the devices on the path" }
        if hops.count == 1 {
            let place = "at hop \(hops.lowerBound)"
            return device.map { "\($0.name) \(place)" } ?? "the device \(place)\(known(atHop: hops.lowerBound))"
        }
        return "the device at hop \(places(hops))"
    }

    /// `2 (10.2.0.2) or 3 (10.3.0.2)`, `2 to 5`.
    private func places(_ hops: ClosedRange<Int>) -> String {
        guard hops.count == 2 else { return "\(hops.lowerBound) to \(hops.upperBound)" }
        return hops.map { "\($0)\(known(atHop: $0))" }.joined(separator: " or ")
    }

    /// ` (10.2.0.2)`, ` (gw1, 10.2.0.2)`.
    private func known(atHop hop: Int) -> String {
        let addresses = path.first { $0.number == hop }?.addresses ?? []
        let address = addresses.count == 1 ? addresses[0] : nil
        let known = [(address.flatMap { places.addresses[$0] } ?? places.hops[hop])?.name, address?.description]
        let parts = known.compactMap { $0 }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    }

    private var hostPlace: String {
        if hops == 0...0 { return ", this machine" }
        return (hostHop ?? hop).map { ", at hop \($0)" } ?? ""
    }

    private var hostIs: String {
        guard let hostHop else { return "" }
        return hostHopIsMinimum ? ", which is at hop \(hostHop) or farther" : ", which is at hop \(hostHop)"
    }

    /// A sentence.
    private var hostIsAt: String {
        guard let hostHop else { return "the distance of the host is unknown." }
        return "the host is at hop \(hostHop)\(hostHopIsMinimum ? " or farther" : "")."
    }

    /// `, or at hop 3 (10.3.0.2) before it`.
    private var orBefore: String {
        guard let hops, hops.lowerBound < hops.upperBound else { return "" }
        let before = hops.lowerBound...hops.upperBound - 1
        let place = before.count == 1 ? "\(before.lowerBound)\(known(atHop: before.lowerBound))" : places(before)
        return ", or before it at hop \(place)"
    }

    /// `, then the device at hop 3 (10.3.0.2)`.
    private var thenBefore: String {
        guard let hostHop, hostHop > 1 else { return "" }
        return ", then the device at hop \(hostHop - 1)\(known(atHop: hostHop - 1))"
    }

    private var doubt: String {
        hostHop == nil
            ? "The host answers nothing else, so its distance is unknown."
            : "The evidence for and against the host is inconclusive."
    }
}

extension ProbeAnswer.Unreachable {
    /// `administratively prohibited`.
    var text: String {
        switch self {
        case .network: "network unreachable"
        case .host: "host unreachable"
        case .port: "port unreachable"
        case .protocol: "protocol unreachable"
        case .prohibited: "administratively prohibited"
        case .other: "destination unreachable"
        }
    }
}
