// SPDX-License-Identifier: Apache-2.0

/// A program or device whose output is recognised and does not tell what a reset's sender follows from, and the way to
/// a capture there.
package struct UnreadableFormat: Hashable, Sendable {
    /// The program as people know it.
    package var program: String
    /// The reason why its output cannot be read, a clause.
    package var reason: String
    /// The way to a capture there.
    package var capture: String

    /// Recognises a line.
    package init?(_ line: String) {
        guard
            let known = Self.known.first(where: { format in
                format.marks.contains { marks in marks.allSatisfy { line.contains($0) } }
            })
        else { return nil }
        program = known.program
        reason = known.reason
        capture = known.capture
    }

    private struct Known: Sendable {
        var program: String
        /// Alternatives; of each all parts must occur in the line.
        var marks: [[String]]
        var reason: String
        var capture: String
    }

    private static let here = "tcpdump -ni any -w FILE host HOST and port PORT"

    private static let known: [Known] = [
        Known(
            program: "Cisco's show monitor capture … brief",
            marks: [["show monitor capture", "brief"], ["timestamp", "source", "destination", "dscp"]],
            reason: "it shows no flags",
            capture: "monitor capture CAP export tftp://SERVER/CAP.pcap, or show monitor capture CAP buffer dump"),
        Known(
            program: "MikroTik's sniffer",
            marks: [
                ["tool sniffer"], ["tool torch"], ["SRC-ADDRESS", "DST-ADDRESS"], ["src-address=", "dst-address="],
                ["SRC-MAC", "DST-MAC"],
            ], reason: "its list shows no flags",
            capture: "/tool sniffer set file-name=FILE filter-ip-address=HOST, /tool sniffer start, then fetch FILE"),
        Known(
            program: "pwru", marks: [["TUPLE FUNC"], ["kfree_skb_reason("], ["PROCESS", "NETNS", "IFACE"]],
            reason: "it shows functions of the kernel and no TTL", capture: here),
        Known(
            program: "dropwatch", marks: [["dropwatch>"], [" drops at "]],
            reason: "it shows places in the kernel, no packets",
            capture: here),
        Known(
            program: "a table of sockets (ss, netstat)",
            marks: [["Recv-Q", "Send-Q"], ["Local Address", "Foreign Address"]],
            reason: "it shows no packets", capture: here),
        Known(
            program: "netstat -s or nstat",
            marks: [["connection resets received"], ["TcpExtTCPAbort"], ["resets sent"]],
            reason: "it counts resets without their connections", capture: here),
        Known(
            program: "a tracer of connections (bcc, bpftrace)",
            marks: [["Tracing connect"], ["SADDR", "DADDR"], ["SADDR:SPORT"]], reason: "it shows no packets",
            capture: here),
        Known(
            program: "a flow record (nfdump, argus)",
            marks: [["Src IP Addr"], ["SrcAddr", "DstAddr"], ["srcaddr", "dstaddr"]],
            reason: "it sums up packets: neither their order nor their TTLs are left", capture: here),
        Known(
            program: "Windows' netsh trace", marks: [["[Microsoft-Windows-TCPIP]"], ["netsh trace"]],
            reason: "it shows events, no packets",
            capture: "pktmon start -c, pktmon stop, pktmon etl2pcap PktMon.etl; of a .etl file etl2pcapng IN OUT"),
        Known(
            program: "Aruba's session table", marks: [["Datapath Session Table"]], reason: "it shows no packets",
            capture: "packet-capture on the controller, or a mirror port"),
        Known(
            program: "traceroute", marks: [["traceroute to "], ["Tracing route to "], ["My traceroute"]],
            reason: "it shows the path and no packets of the connection", capture: here),
        Known(
            program: "tcpflow", marks: [["tcpflow: listening"]],
            reason: "it shows what packets carried, not the packets",
            capture: here),
        Known(
            program: "Wireshark's statistics", marks: [["Address A", "Address B"]], reason: "it sums up packets",
            capture: "File, Export Specified Packets"),
        Known(
            program: "IOS' debug ip tcp", marks: [["TCB "], ["TCP0: "]],
            reason: "it shows events of the router's own TCP",
            capture:
                "monitor capture CAP interface IF both match ipv4 host HOST any, then monitor capture CAP export URL"),
        Known(
            program: "FortiGate's session table", marks: [["session info: proto="]], reason: "it shows no packets",
            capture: "diagnose sniffer packet any 'host HOST and port PORT' 6 0 l"),
        Known(
            program: "PAN-OS' session table", marks: [["show session"], ["Session ", "c2s flow"]],
            reason: "it shows no packets",
            capture: "debug dataplane packet-diag set capture stage receive file FILE, one for each stage"),
    ]
}
