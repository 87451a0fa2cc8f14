// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

/// The ways to settle a finding, or to make it more certain: commands to run and places to check.
enum NextSteps {
    static func of(_ finding: Finding) -> [String] {
        switch finding.details {
        case .reset(let reset): ofReset(finding, reset)
        case .path(let path): ofPath(finding, path)
        case .icmpError, .pathChange, .notice: []
        }
    }

    /// `10.4.0.2:22`, `[2001:db8::1]:22`, as rstwho probe takes it.
    static func target(_ address: IPAddress, _ port: UInt16?) -> String {
        (address.isIPv4 ? "\(address)" : "[\(address)]") + ":" + (port.map { "\($0)" } ?? "PORT")
    }

    private static func ofReset(_ finding: Finding, _ reset: Finding.Reset) -> [String] {
        // A text without -n tells names, which nothing can be asked of.
        let source = finding.fiveTuple.source
        let host = finding.text(source)
        let isAddress = finding.names[source] == nil
        let probe =
            reset.stage == .syn && isAddress
            ? "sudo rstwho probe \(target(source, finding.servicePort)): sends SYNs with a TTL too small to reach \(host); if a reset still comes back, a device on the path sent it"
            : nil
        switch reset.sender {
        case .middlebox where reset.hasCopiedTTL(finding.evidence):
            return [
                "Capture at several points at the same time: rstwho compare here=A.pcap there=B.pcap shows between which of them it appears"
            ]
        case .middlebox:
            let isTraced = finding.evidence.contains(.activeTrace)
            return [
                isTraced ? nil : probe,
                "Capture near \(host) at the same time. If this reset is missing there, \(host) did not send it: rstwho compare here=A.pcap there=B.pcap",
            ].compactMap { $0 }
        case .thisMachine:
            return ["nft list ruleset on this machine: the counter of the rule increases with each reset"]
        case .host, .hostApplication, .hostKernel, .hostFirewall:
            guard reset.stage == .syn else {
                return reset.cause == .unknown
                    ? ["on \(host): the application's log at that time, and nft list ruleset"] : []
            }
            let listens = "ss -ltn 'sport = :\(finding.servicePort)'"
            let rules = "nft list ruleset"
            let command =
                switch reset.sender {
                case .hostKernel: listens
                case .hostFirewall: rules
                default: "\(listens) and \(rules)"
                }
            let isSure = reset.sender != .host && finding.confidence.map { $0 >= Hypothesis.sure } ?? false
            return ["on \(host): \(command)", isSure ? nil : probe].compactMap { $0 }
        case .undetermined:
            return AbstentionReason(finding).steps(isAddress ? host : nil, at: host, probe: probe)
        }
    }

    private static func ofPath(_ finding: Finding, _ path: Finding.Path) -> [String] {
        let server = finding.fiveTuple.destination
        let host = finding.text(server)
        switch path.cause {
        case .ackNotDelivered, .ackLostOrQueueFull, .acceptQueueFull:
            return [
                "on \(host): nstat -az TcpExtListenOverflows; it increases if the accept queue is full",
                "Capture on \(host) at the same time: rstwho compare here=A.pcap there=B.pcap",
            ]
        case .noAnswer:
            return finding.names[server] == nil
                ? ["sudo rstwho probe \(target(server, finding.servicePort)): shows where the SYNs vanish"] : []
        case .replyBypasses, .oneWayHere, .redirectIgnored:
            return ["rstwho paths --address \(host): shows the path of each direction"]
        case .droppedHere:
            return ["on this machine: nft monitor trace, conntrack -S, nstat -az TcpExtIPReversePathFilter"]
        case .droppedBetween: return ["Capture at a point between the two."]
        case .loss, .oneWayTap: return []
        }
    }
}
