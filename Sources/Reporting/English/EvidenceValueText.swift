// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

extension Evidence.Value {
    /// The value as people read it: `61 (64-3), 4 samples`.
    package var text: String {
        switch self {
        case .distance(let distance, nil, _): "\(distance)"
        case .distance(let distance, let samples?, .agent):
            "\(distance), \(Counted.packets(samples)) that the agent saw"
        case .distance(let distance, let samples?, _): "\(distance), \(Counted.samples(samples))"
        case .ttl(let ttl): "TTL \(ttl)"
        case .ttls(let first, let second): "\(first) and \(second)"
        case .reach(let ttl, let isMinimum, let flows):
            "TTL \(isMinimum ? "at least " : "")\(ttl), \(Counted.flows(flows))"
        case .number(let number), .shared(let number, _): "\(number)"
        case .next(let number, _): "after \(number)"
        case .before(let number): "shortly before \(number)"
        case .dscp(let dscp): "DSCP \(dscp)"
        case .acknowledgement(let number): "ACK \(number)"
        case .atMost(let number): "\(number) at most"
        case .bareWindow(let window): "window \(window), no timestamps"
        case .signature(let signature, _): signature.label
        case .milliseconds(let ns): "\(ns / 1_000_000).\(ns / 100_000 % 10) ms"
        case .silence(let ns): "\(Finding.Path.text(Double(ns) / 1e9)) s"
        case .packet(let packet, let ns): "\(packet == .data ? "new data" : "SYN-ACK") after \(ns / 1_000_000) ms"
        case .transmissions(let transmissions): transmissions.text
        case .answers(let answers, let copies, let limit): "\(answers) of \(copies) copies within \(limit) ms"
        case .repeated(let count, _): "\(count)"
        case .bytes(let bytes): "\(bytes) bytes"
        case .passed(let bytes): "at most \(bytes) bytes got through"
        case .shed(let shed):
            shed.isQuoted ? "packets of the quoted flow" : shed.isWhole ? "all its packets" : "its data"
        case .address(let address): "\(address)"
        case .ports(let ports, _): ports.map { "tcp/\($0)" }.joined(separator: ", ")
        case .life(let answer, _): answer.text
        case .server(let address, let distance): distance.map { "TTL \($0)" } ?? "\(address)"
        case .redirect(let redirect, _): "use \(redirect.gateway)"
        case .link(let link): link.text
        case .connection(let original): original.ends
        case .firstSeen(let capture): "first seen at \(capture)"
        case .missed(let capture, _): "\(capture), which it would have passed"
        case .share(let part, let whole): "\(part) of \(whole)"
        case .oneWay(let part, let whole): "\(part) of \(whole) connections"
        case .growths(let growths): growths.map(\.text).joined(separator: ", ")
        case .missing(let missing): "\(missing.count) in \(missing.milliseconds) ms, 0 left"
        case .left(let interface, let destination): interface ?? "to \(destination)"
        case .tracking(let connection): connection.marks
        case .unreadable(let problem): problem
        case .kernel(let event): event.text
        case .rules(let rules): rules.named.joined(separator: "; ")
        case .stated(let statement): statement.text
        case .sign(let sign): sign.text
        case .text(let text): text
        }
    }
}

extension Evidence.Value.Transmissions {
    /// `seen 3 times, at 0, 1.0, 3.0 s`.
    fileprivate var text: String {
        let times = seconds.map { $0 == 0 ? "0" : Finding.Path.text($0) }.joined(separator: ", ")
        return "seen \(count) times, at \(times)\(count > seconds.count ? " …" : "") s"
    }
}

extension Evidence.Value.Growth {
    fileprivate var text: String { name.map { "\($0) +\(amount)" } ?? "+\(amount)" }
}

extension Evidence.Value.KernelEvent {
    /// `sshd (4711), TCP_ABORT_ON_CLOSE`.
    fileprivate var text: String {
        let parts = [process.map { "\($0.name) (\($0.id))" }, reason].compactMap(\.self)
        return parts.isEmpty ? hasSocket ? "with a socket" : "without a socket" : parts.joined(separator: ", ")
    }
}

extension Evidence.Value.Sign {
    fileprivate var text: String {
        switch self {
        case .silence: "silence"
        case .otherIdentification: "another than the trigger's"
        case .anyFlowLabel: "a label"
        case .timestamps: "timestamps"
        case .socketFields: "IP-ID or label, window, timestamps and TTL as the socket's"
        case .madeHere: "egress, ingress_ifindex 0"
        case .noKernelEvent: "no event"
        case .untracked: "none"
        case .synAndSYNACK: "SYN and SYN-ACK"
        case .ackWithinRoundTrip: "an ACK within a round trip"
        case .quotedPacket: "the quoted packet"
        case .errorsOfSender: "errors of the same sender"
        case .errorsOfOthers: "errors of other senders"
        }
    }
}

extension ResetReason.Statement {
    /// `MPTCP reason 3, administratively prohibited`.
    package var text: String {
        switch self {
        case .multipath(let reason):
            "MPTCP reason \(reason), \(Int(reason) < Self.multipath.count ? Self.multipath[Int(reason)] : "unknown")"
        case .diagnostic(let code): "reason code \(code) (TCP RST diagnostic payload)"
        case .text(let text): text
        case .netScaler(let code): "NetScaler code \(code) in its window\(Self.meaning(ofNetScaler: code))"
        }
    }

    /// RFC 8684, 3.6.
    private static let multipath = [
        "unspecified", "MPTCP error", "lack of resources", "administratively prohibited", "too much outstanding data",
        "unacceptable performance", "middlebox interference",
    ]

    private static func meaning(ofNetScaler code: UInt16) -> String {
        switch code {
        case 9300...9303: ": idle for too long, or the service went down"
        case 9700, 9701: ": passed on from behind it"
        case 9814: ": a policy with action RESET"
        default: ""
        }
    }
}

extension Finding.Path.Answer {
    /// `4 answers to ping`.
    package var text: String {
        switch self {
        case .ping(let count): count == 1 ? "1 answer to ping" : "\(count) answers to ping"
        case .otherPort(let port): "tcp/\(port)"
        case .other: "other connections"
        case .decoded(let text): text
        }
    }
}

extension PathLink {
    /// `02:00:00:00:00:01 to 02:00:00:00:00:02`, as far as it is known.
    fileprivate var text: String {
        from == 0 && to == 0 ? "interface \(interface)" : "\(Self.text(from)) to \(Self.text(to))"
    }
}

extension FiveTuple {
    /// `10.0.0.1 port 40000 to 10.0.0.2 port 22`.
    var ends: String { "\(source) port \(sourcePort) to \(destination) port \(destinationPort)" }
}

extension TrackedConnection {
    /// The name of the state, where the kernel tells it.
    var stateText: String { state ?? "unknown state" }

    /// `SYN_SENT [UNREPLIED]`, as conntrack(8) shows it.
    fileprivate var marks: String {
        stateText + (isReplied ? "" : " [UNREPLIED]") + (isAssured ? " [ASSURED]" : "")
    }
}
