// SPDX-License-Identifier: Apache-2.0

/// A line of a firewall's, balancer's or kernel's log about a connection: its program, the word that says how the
/// connection ended, and what that word proves.
///
/// Such a line has no packet in it, so it tells a side and never a hop.
package struct SessionLog: Hashable, Sendable {
    /// The device or program as people know it.
    package var program: String
    /// The word as the line has it.
    package var word: String
    /// The conclusion that the line proves, in a sentence.
    package var meaning: String
    /// The command that captures the packets on that device.
    package var capture: String

    /// Recognises a line.
    ///
    /// `nil` where it is of no known log, or names no end of a connection.
    package init?(_ line: String) {
        for log in Self.logs + Self.more
        where log.marks.contains(where: { marks in marks.allSatisfy { line.contains($0) } }) {
            guard let ending = log.endings.first(where: { line.contains($0.word) }) else { continue }
            program = log.program
            word = ending.word.trimmingBlanks
            meaning = ending.meaning
            capture = log.capture
            return
        }
        return nil
    }

    /// The answer to somebody who asked about the line.
    package var text: String {
        """
        \(program) says "\(word)": \(meaning)
            The line shows no packet, so neither a TTL nor a hop.
            > To find the sender, capture there: \(capture)
            > Then: rstwho read FILE

        """
    }

    /// One program's log.
    struct Log: Sendable {
        var program: String
        /// Alternatives; of each all parts must occur in the line.
        var marks: [[String]]
        /// In the order in which they are looked for.
        var endings: [Ending]
        var capture: String
    }

    struct Ending: Sendable {
        var word: String
        var meaning: String

        init(_ word: String, _ meaning: String) {
            self.word = word
            self.meaning = meaning
        }
    }

    private static let logs: [Log] = [
        // Fortinet, "FortiOS Log Message Reference", traffic logs, field action.
        Log(
            program: "FortiGate's traffic log", marks: [["type=\"traffic\""], ["type=traffic"]],
            endings: [
                Ending(
                    "server-rst",
                    "the reset came from the server's side of that FortiGate: the server or a device there."
                ),
                Ending(
                    "client-rst",
                    "the reset came from the client's side of that FortiGate: the client or a device there."
                ),
                Ending("action=\"timeout\"", "the session ran out of time on the FortiGate; no reset is claimed."),
                Ending("action=timeout", "the session ran out of time on the FortiGate; no reset is claimed."),
                Ending(
                    "action=\"deny\"", "a policy of the FortiGate refused the connection; see policyid in the line."),
                Ending("action=deny", "a policy of the FortiGate refused the connection; see policyid in the line."),
                Ending("ip-conn", "the connection failed at the FortiGate: no answer came, or no route was there."),
                Ending("action=\"close\"", "both ends closed the connection in order."),
                Ending("action=close", "both ends closed the connection in order."),
            ], capture: "diagnose sniffer packet any 'host HOST and port PORT' 6 0 l"),
        // Palo Alto Networks, "Traffic Log Fields", Session End Reason.
        Log(
            program: "PAN-OS' traffic log", marks: [["session_end_reason"], ["session end reason"], [",TRAFFIC,"]],
            endings: [
                Ending(
                    "tcp-rst-from-server",
                    "the reset came from the server's side of that firewall: the server or a device there."
                ),
                Ending(
                    "tcp-rst-from-client",
                    "the reset came from the client's side of that firewall: the client or a device there."
                ),
                Ending(
                    "policy-deny", "a rule of that firewall refused the connection, perhaps by a reset."),
                Ending(
                    "threat", "that firewall ended the connection for a threat signature; it may have sent the reset."),
                Ending("aged-out", "the session ran out of time on that firewall; no reset is claimed."),
                Ending("tcp-reuse", "a new connection with the same ports replaced the session on that firewall."),
                Ending("tcp-fin", "an end closed the connection in order."),
                Ending("resources-unavailable", "that firewall ran out of a resource and dropped the session."),
            ], capture: "debug dataplane packet-diag set capture stage receive file FILE, one for each stage"),
        // Cisco, "Cisco Secure Firewall ASA Series Syslog Messages": 302014, 106015.
        Log(
            program: "ASA's log", marks: [["302014"], ["106015"]],
            endings: [
                Ending(
                    "TCP Reset-O",
                    "the reset came from the outside interface's end of that connection, as the ASA sees it."),
                Ending(
                    "TCP Reset-I",
                    "the reset came from the inside interface's end of that connection, as the ASA sees it."),
                Ending("TCP Reset-APPLIANCE", "the ASA itself ended the connection by a reset."),
                Ending(
                    "Deny TCP (no connection)",
                    "a packet came for a connection that this ASA does not know, and was dropped: as a rule "
                        + "after an idle timeout, or because of asymmetric routing."),
                Ending("SYN Timeout", "no answer to the SYN came to the ASA."),
                Ending("Idle Timeout", "the ASA removed the idle connection; later packets are dropped."),
                Ending("Conn-timeout", "the ASA removed the idle connection; later packets are dropped."),
                Ending("Flow closed by inspection", "an inspection of the ASA ended the connection."),
                Ending("TCP FINs", "both ends closed the connection in order."),
            ], capture: "capture CAP interface IF match tcp host HOST any eq PORT; show capture CAP detail"),
        // Juniper, "System Log Explorer", RT_FLOW_SESSION_CLOSE.
        Log(
            program: "SRX's log", marks: [["RT_FLOW"]],
            endings: [
                Ending(
                    "TCP SERVER RST", "the reset came from the server's side of that SRX: the server or a device there."
                ),
                Ending(
                    "TCP CLIENT RST", "the reset came from the client's side of that SRX: the client or a device there."
                ),
                Ending("TCP RST", "the SRX saw a reset of the connection; the line does not tell from which side."),
                Ending("SESSION_DENY", "a policy of the SRX refused the connection."),
                Ending("idle Timeout", "the SRX removed the idle session; later packets are dropped or reset."),
                Ending("TCP FIN", "an end closed the connection in order."),
            ],
            capture: "set security datapath-debug capture-file FILE; monitor traffic sees only the device's own packets"
        ),
        // F5, K13223: "Configuring the BIG-IP system to log TCP RST packets".
        Log(
            program: "BIG-IP's log", marks: [["RST sent from"]],
            endings: [
                Ending("RST sent from", "this BIG-IP made the reset itself; the braces at the end name its cause.")
            ],
            capture: "tcpdump -nni 0.0:nnnp -s0 -w FILE host HOST"),
        // HAProxy, "Configuration Manual", 8.5 Session state at disconnection.
        Log(
            program: "HAProxy's log", marks: [["haproxy["], ["haproxy:"]],
            endings: [
                Ending(" SD", "the server, or a device before it, ended the connection while data was transferred."),
                Ending(" SC", "the server, or a device before it, refused the connection or reset it."),
                Ending(
                    " SH", "the server, or a device before it, ended the connection before its headers were complete."),
                Ending(" CD", "the client, or a device before it, ended the connection while data was transferred."),
                Ending(
                    " CR", "the client, or a device before it, ended the connection before its request was complete."),
                Ending(" sD", "HAProxy's timeout for the server ran out while data was transferred."),
                Ending(" cD", "HAProxy's timeout for the client ran out while data was transferred."),
                Ending(" PR", "HAProxy itself refused the request."),
            ], capture: "tcpdump -ni any -w FILE host HOST"),
        // Envoy, "Access logging", %RESPONSE_FLAGS%.
        Log(
            program: "Envoy's access log",
            marks: [["HTTP/", "upstream_reset"], ["\" 503 U"], ["\" 0 DC"], ["upstream connect error"]],
            endings: [
                Ending("UC", "the upstream connection was terminated: a reset or a FIN from upstream's side."),
                Ending("UF", "the upstream connection could not be opened: refused, unreachable or out of time."),
                Ending("UR", "the upstream side reset the stream."),
                Ending("UT", "the upstream side did not answer in time."),
                Ending("DC", "the downstream side, the client's, ended the connection."),
                Ending(
                    "connection termination", "the upstream connection was terminated: a reset or a FIN from there."),
            ], capture: "tcpdump -ni any -w FILE host HOST, in Envoy's network namespace"),
        // conntrack(8), Linux net/netfilter/nf_conntrack_proto_tcp.c.
        Log(
            program: "conntrack", marks: [["src=", "dst=", "sport=", "dport="]],
            endings: [
                Ending(
                    " CLOSE ", "this machine's connection tracking saw a reset, in either direction."),
                Ending("[UNREPLIED]", "this machine saw packets of one direction only: no answer came past it."),
                Ending("SYN_SENT", "this machine saw a SYN and no answer to it."),
                Ending("SYN_RECV", "this machine saw SYN and SYN-ACK, and no ACK after them."),
                Ending("TIME_WAIT", "an orderly close of the connection went past this machine."),
            ], capture: "tcpdump -ni any -w FILE host HOST and port PORT"),
        // The C library's text of ECONNRESET, as nginx and others print it.
        Log(
            program: "An application's log", marks: [["onnection reset by peer"], ["ECONNRESET"]],
            endings: [
                Ending(
                    "Connection reset by peer",
                    "its kernel received a reset in the peer's name; the line does not tell the sender."),
                Ending(
                    "connection reset by peer",
                    "its kernel received a reset in the peer's name; the line does not tell the sender."),
                Ending(
                    "ECONNRESET", "its kernel received a reset in the peer's name; the line does not tell the sender."),
            ], capture: "tcpdump -ni any -w FILE host HOST and port PORT"),
    ]
}

extension String {
    fileprivate var trimmingBlanks: String {
        String(drop { " \t".contains($0) }.reversed().drop { " \t".contains($0) }.reversed())
    }
}
