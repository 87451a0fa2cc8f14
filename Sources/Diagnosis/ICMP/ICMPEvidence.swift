// SPDX-License-Identifier: Apache-2.0

/// The names that evidence of ICMP errors can have. Each occurs here only. They weigh nothing: an ICMP error says itself what it
/// says, and these tell how far to believe it and what became of it.
package enum ICMPEvidence: String, CaseIterable, Sendable {
    // Whether it can be believed
    /// The quoted flow was not seen here: an answer to a packet that somebody forged, or the packet took another way.
    case noFlow = "no_flow"
    /// Packets of the quoted flow were shed under load.
    case flowShed = "flow_shed"
    /// It quotes a sequence number that the connection is nowhere near (RFC 5927, 4.1).
    case outsideWindow = "seq_outside_window"
    /// It comes from nearer than the host in whose name it speaks.
    case hostDistance = "ttl_host"
    /// A redirect that the router next door would not send (RFC 1122, 3.2.2.2; RFC 4861, 8.1).
    case implausible = "implausible_redirect"
    // What it means
    /// A UDP or echo packet, or a connect, with a TTL as traceroute sets it.
    case traced = "low_ttl"
    /// It passed here with a TTL that takes it to every host, and did not arrive.
    case looped = "high_ttl"
    /// The quoted packet is a server's answer: its client no longer waits for it.
    case answer = "quotes_answer"
    // What became of it
    /// The other side answered or acknowledged afterwards.
    case wentOn = "went_on"
    /// The same packet was refused again.
    case sentAgain = "sent_again"
    /// The host was told again to use another router: it goes on using this one.
    case toldAgain = "told_again"
    /// Kinds of ICMP errors beyond the bound were counted with this one.
    case others = "others_counted"
}

extension Evidence {
    init(_ name: ICMPEvidence, observed: String? = nil, expected: String? = nil, _ text: String) {
        self.init(name: name.rawValue, weight: 0, observed: observed, expected: expected, text: text)
    }
}

extension Finding {
    /// The piece of evidence of that name, if there is one.
    package func evidence(_ name: ICMPEvidence) -> Evidence? {
        evidence.first { $0.name == name.rawValue }
    }
}
