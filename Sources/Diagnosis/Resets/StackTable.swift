// SPDX-License-Identifier: Apache-2.0

/// The resets of known TCP implementations, as data: one row per stack, and the questions that the evidence asks.
package enum StackTable {
    /// The fields of one stack's resets.
    package struct Row: Sendable {
        package var stack: String
        /// Of its resets; several where releases or kinds of reset differ.
        package var initialTTL: [UInt8]
        /// The window of a reset that a socket sends (an abort), and of one without a socket.
        package var abortWindow: String
        package var closedWindow: String
        /// Whether an abort carries the timestamps that the connection uses; `nil` where that is not known.
        package var abortHasTimestamps: Bool?
        /// The flow label of an IPv6 reset without a socket; empty where it is not known.
        package var flowLabel = ""
        /// The source of the values.
        package var source: String
    }

    package static let rows: [Row] = [
        Row(
            stack: "Linux, from 2.6 on", initialTTL: [64], abortWindow: "the socket's", closedWindow: "0",
            abortHasTimestamps: true, flowLabel: "the connection's, or one of its own (from 4.17 on)",
            source:
                "tcp_send_active_reset, tcp_v4_send_reset, tcp_v6_send_response (net/ipv4, net/ipv6); measured on 6.18"),
        Row(
            stack: "Linux netfilter REJECT", initialTTL: [64], abortWindow: "none is sent", closedWindow: "0",
            flowLabel: "0", source: "nf_reject_ipv4.c, nf_reject_ipv6.c; measured on 6.18"),
        Row(
            stack: "FreeBSD, macOS, iOS", initialTTL: [64, 255], abortWindow: "the socket's", closedWindow: "0",
            abortHasTimestamps: false, flowLabel: "0",
            source:
                "tcp_drop, tcp_respond (netinet/tcp_subr.c); public captures of macOS (IPv4, loopback) and of a BSD (IPv6)"
        ),
        Row(
            stack: "Windows", initialTTL: [128], abortWindow: "0", closedWindow: "0",
            source: "public captures of Windows hosts"),
        Row(
            stack: "NetScaler", initialTTL: [255], abortWindow: "a code that says why, 9300 to 9999",
            closedWindow: "8201, 8212", source: "Citrix: What's That NetScaler Reset Packet, 2014; a public capture"),
        Row(
            stack: "BIG-IP", initialTTL: [255], abortWindow: "0", closedWindow: "0",
            source: "F5 K13223: the payload says why where tm.rstcause.pkt is set"),
        Row(
            stack: "Cisco IOS, JunOS and others on the path", initialTTL: [60, 64, 255], abortWindow: "0",
            closedWindow: "0", source: "Vanaubel et al.: Network Fingerprinting, IMC 2013"),
        Row(
            stack: "PLCs and embedded stacks (lwIP and others)", initialTTL: [30, 32, 60, 64, 85, 128, 255],
            abortWindow: "any", closedWindow: "any",
            source: "lwIP tcp_rst; public captures of industrial and home devices"),
    ]

    /// Windows that many stacks send: a reset that has the same one as the packet that drew it copied nothing.
    private static let common: Set<UInt16> = [
        512, 1024, 1460, 2048, 2920, 4096, 4128, 5720, 5792, 5840, 8190, 8192, 8760, 14_480, 14_600, 16_384, 16_616,
        17_520,
        26_847, 28_800, 28_960, 29_200, 31_337, 32_120, 32_767, 32_768, 43_690, 62_727, 64_000, 64_240, 64_260, 64_512,
        64_800, 65_160, 65_228, 65_280, 65_392, 65_520, 65_535,
    ]

    static func isCommon(window: UInt16) -> Bool { common.contains(window) }

    /// False where a socket of that stack aborts without the connection's timestamps, or where that is not known of it.
    static func abortsWithTimestamps(_ family: StackFamily) -> Bool { family == .linux || family == .unknown }
}
