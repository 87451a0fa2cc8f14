// SPDX-License-Identifier: Apache-2.0

/// Logs of clouds, monitors, further firewalls, and kernels.
extension SessionLog {
    static let more: [Log] = [
        // Zeek, "conn.log", conn_state.
        Log(
            program: "Zeek's conn.log", marks: [["\ttcp\t"], ["\"conn_state\":"]],
            endings: zeek.flatMap { [Ending("\t\($0.word)\t", $0.meaning), Ending("\"\($0.word)\"", $0.meaning)] },
            capture: "tcpdump -ni IFACE -w FILE host HOST and port PORT, where Zeek listens"),
        // Suricata, "EVE JSON format", event type flow.
        Log(
            program: "Suricata's EVE log", marks: [["\"event_type\":\"flow\"", "\"rst\":true"]],
            endings: [
                Ending(
                    "\"rst\":true",
                    "Suricata saw a reset of that connection. Bit 04 in tcp_flags_ts is the client's side, in "
                        + "tcp_flags_tc the server's.")
            ], capture: "tcpdump -ni IFACE -w FILE host HOST and port PORT, where Suricata listens"),
        Log(
            program: "Suricata", marks: [["[**] [", "{TCP}"], ["\"event_type\":\"drop\""]],
            endings: [
                Ending("[Drop]", "Suricata dropped the packet; a rule with the action reject sends resets besides."),
                Ending(
                    "\"event_type\":\"drop\"", "Suricata dropped the packet, and sends resets where the rule rejects."),
                Ending("{TCP}", "a rule matched; the line does not tell whether Suricata reset the connection."),
            ], capture: "tcpdump -ni IFACE -w FILE host HOST and port PORT, on both sides of Suricata"),
        // AWS, "Flow log records"; a security group drops without an answer.
        Log(
            program: "AWS' VPC flow log", marks: [["eni-"]],
            endings: [
                Ending(" REJECT OK", "a security group or network ACL dropped the packets; neither sends resets."),
                Ending(" ACCEPT OK", "the packets were allowed; the record does not tell how the connection ended."),
            ], capture: "tcpdump -ni any -w FILE host HOST on the instance, or VPC traffic mirroring"),
        // Microsoft, "Flow logging for network security groups", flow tuples.
        Log(
            program: "Azure's NSG flow log", marks: [["flowTuples"], ["NetworkSecurityGroupFlow"]],
            endings: [
                Ending(",D", "a network security group dropped the connection; it sends no resets."),
                Ending(
                    ",A",
                    "the connection was allowed; the record does not tell how it ended. Azure's load balancer resets "
                        + "idle connections where that is switched on."),
            ], capture: "tcpdump -ni any -w FILE host HOST in the virtual machine, or Network Watcher's packet capture"),
        Log(
            program: "Google Cloud's log", marks: [["\"jsonPayload\"", "dest_ip"]],
            endings: [
                Ending("DENIED", "a firewall rule dropped the connection; it sends no resets."),
                Ending("dest_ip", "the packets were allowed; the record does not tell how the connection ended."),
            ], capture: "tcpdump -ni any -w FILE host HOST in the virtual machine, or Packet Mirroring"),
        // Check Point, sk117374 and the logs' field message_info.
        Log(
            program: "Check Point's log", marks: [["fw_log_drop_ex"], ["CheckPoint", "action:"], ["message_info"]],
            endings: [
                Ending(
                    "First packet isn't SYN",
                    "a packet came for a connection that this gateway does not know, and was dropped: as a rule after "
                        + "an idle timeout, or because of asymmetric routing."),
                Ending(
                    "TCP packet out of state", "the packet fits no connection that this gateway knows; it was dropped."),
                Ending("action:\"Reject\"", "a rule of this gateway rejected the connection, as a rule by a reset."),
                Ending("action:\"Drop\"", "this gateway dropped the packet, without an answer."),
                Ending(
                    "dropped by", "this gateway dropped the packet, without an answer; the reason stands behind it."),
            ], capture: "fw monitor -F \"0,0,HOST,PORT,0\" -o FILE"),
        Log(
            program: "Sophos' log", marks: [["device=\"SFW\""], ["device_name=\"XG"], ["sys=\"SecureNet\""]],
            endings: [
                Ending(
                    "Invalid TCP RST", "a reset came that fits no connection that this firewall knows; it was dropped."),
                Ending(
                    "Could not associate packet",
                    "a packet came for a connection that this firewall does not know: as a rule after an idle timeout, "
                        + "or because of asymmetric routing."),
                Ending("Packet dropped", "this firewall dropped the packet."),
                Ending("Denied", "this firewall refused the packet."),
            ], capture: "tcpdump -ni any -w /tmp/FILE host HOST in the device's advanced shell"),
        Log(
            program: "SonicWall's log", marks: [["id=firewall", "sn="]],
            endings: [
                Ending(
                    "TCP handshake violation", "the packet fits no handshake that this firewall knows; it was dropped."),
                Ending("dropped", "this firewall dropped the packet."),
            ], capture: "Monitor, Packet Monitor on the device, exported as libpcap"),
        // Cisco, "IOS System Messages", SEC-6-IPACCESSLOGP.
        Log(
            program: "Cisco's access list log", marks: [["%SEC-6-IPACCESSLOG"], ["%IPV6_ACL-6-ACCESSLOG"]],
            endings: [
                Ending(
                    "denied",
                    "an access list of this router refused the packet: it drops it and answers with ICMP unreachable, "
                        + "not with a reset."),
                Ending("permitted", "an access list of this router let the packet pass."),
            ],
            capture:
                "monitor capture CAP interface IF both match ipv4 host HOST any, then monitor capture CAP export URL"),
        // Microsoft, "Audit Filtering Platform Packet Drop", event 5152, and "Connection", 5157.
        Log(
            program: "Windows' security log", marks: [["Windows Filtering Platform has blocked"]],
            endings: [
                Ending(
                    "blocked", "a filter of that Windows machine dropped the packet; the event's filter id names it.")
            ], capture: "pktmon start -c, pktmon stop, pktmon etl2pcap PktMon.etl"),
        // FreeBSD, ipfw(8).
        Log(
            program: "ipfw's log", marks: [["ipfw: "]],
            endings: [
                Ending("Reset TCP", "a rule of that machine reset the connection."),
                Ending("Deny TCP", "a rule of that machine dropped the packet, without an answer."),
                Ending("Unreach TCP", "a rule of that machine refused the packet by an ICMP error."),
            ], capture: "tcpdump -ni IFACE -w FILE host HOST and port PORT"),
        // Linux, include/trace/events/tcp.h.
        Log(
            program: "Linux' tracepoint", marks: [["tcp_send_reset:"], ["tcp_receive_reset:"]],
            endings: [
                Ending("tcp_send_reset", "that machine's own kernel sent a reset."),
                Ending(
                    "tcp_receive_reset", "that machine received a reset in the peer's name; who sent it is not told."),
            ], capture: "tcpdump -ni any -w FILE host HOST and port PORT"),
        Log(
            program: "sshd's log", marks: [["sshd["]],
            endings: [
                Ending("Connection reset by", "sshd received a reset in the client's name; who sent it is not told."),
                Ending("Connection closed by", "the client's side closed the connection in order."),
            ], capture: "tcpdump -ni any -w FILE host HOST and port 22"),
        Log(
            program: "An application's log",
            marks: [
                ["forcibly closed by the remote host"], ["WSAECONNRESET"], ["ERR_CONNECTION_RESET"],
                ["ERR_CONNECTION_REFUSED"], ["ECONNREFUSED"], ["onnection refused"], ["upstream prematurely closed"],
                ["java.net.SocketException: Connection reset"],
            ],
            endings: [
                Ending("forcibly closed", "its kernel received a reset in the peer's name; who sent it is not told."),
                Ending("CONNRESET", "its kernel received a reset in the peer's name; who sent it is not told."),
                Ending("CONNECTION_RESET", "its kernel received a reset in the peer's name; who sent it is not told."),
                Ending("Connection reset", "its kernel received a reset in the peer's name; who sent it is not told."),
                Ending("REFUSED", "a reset, or an ICMP error, answered its SYN; who sent it is not told."),
                Ending("refused", "a reset, or an ICMP error, answered its SYN; who sent it is not told."),
                Ending(
                    "upstream prematurely closed", "the upstream's side ended the connection before it had answered."),
            ], capture: "tcpdump -ni any -w FILE host HOST and port PORT"),
    ]

    private static let zeek: [Ending] = [
        Ending("RSTRH", "the responder's side sent a SYN-ACK and then a reset; Zeek saw no SYN."),
        Ending("RSTOS0", "the originator's side sent a SYN and then a reset; Zeek saw no answer."),
        Ending("RSTR", "the reset came from the responder's side of Zeek's tap: the responder or a device there."),
        Ending("RSTO", "the reset came from the originator's side of Zeek's tap: the originator or a device there."),
        Ending("REJ", "a reset answered the SYN, from the responder's side of Zeek's tap."),
        Ending("S0", "Zeek saw a SYN and no answer."),
        Ending("SF", "both ends closed the connection in order."),
    ]
}
