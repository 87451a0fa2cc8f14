// SPDX-License-Identifier: Apache-2.0

extension MatrixGroup {
    /// One path, one host per row: who resets is one of the ends or a packet filter between them.
    static let ends = MatrixGroup(
        name: "ends",
        rows: [
            MatrixRow("closed_port", .kernel, "port_closed", named: [6]),
            MatrixRow("closed_port_marked", .kernel, "port_closed", named: [4, 6]),
            MatrixRow("closed_port_beside_open", .kernel, "port_closed", named: [6]),
            MatrixRow(
                "host_filter", .packetFilter, "rejected", "port_closed", named: [6],
                because: "without a DSCP an IPv4 filter's reset is the kernel's, byte for byte"),
            MatrixRow("host_filter_marked", .packetFilter, "rejected", named: [4, 6]),
            MatrixRow(
                "host_filter_midstream", .packetFilter, "rejected", "unknown", named: [6],
                because: "without a DSCP an IPv4 filter's reset is the kernel's, byte for byte"),
            MatrixRow("rejected_hop1", .device(hop: 1), "rejected"),
            MatrixRow("rejected_hop2", .device(hop: 2), "rejected"),
            MatrixRow("rejected_hop3", .device(hop: 3), "rejected"),
            MatrixRow("rejected_midstream_hop1", .device(hop: 1), "rejected"),
            MatrixRow("rejected_midstream_hop2", .device(hop: 2), "rejected"),
            MatrixRow(
                "rejected_midstream_hop3", .device(hop: 3), "rejected", undecidable: [4, 6], because: oneHopNearer),
            MatrixRow("rejected_midstream_hop3_pinged", .device(hop: 3), "rejected"),
            MatrixRow("rejected_after_open_ports", .device(hop: 2), "rejected"),
            MatrixRow("dropped", nil),
            MatrixRow("dropped_midstream", nil),
            MatrixRow("idle_timeout", .device(hop: 2), "idle_timeout"),
            MatrixRow("idle_kept", nil),
            MatrixRow("unread_data", .application, "aborted", named: [4, 6]),
            MatrixRow("linger_zero", .application, "aborted", named: [4, 6]),
            MatrixRow("linger_zero_at_once", .application, "aborted", named: [4, 6]),
            MatrixRow("idle_abort", .application, "aborted", named: [4, 6]),
            MatrixRow("late_data", .kernel, "late_data", named: [6]),
            MatrixRow("ttl200_closed_port", .kernel, "port_closed", undecidable: [4, 6], because: applicationTTL),
            MatrixRow("ttl200_closed_port_pinged", .kernel, "port_closed", named: [6]),
            MatrixRow(
                "ttl200_host_filter", .packetFilter, "rejected", undecidable: [4, 6], because: applicationTTL),
            MatrixRow(
                "ttl200_host_filter_midstream", .packetFilter, "rejected", undecidable: [4, 6], because: applicationTTL),
            MatrixRow("ttl200_rejected", .device(hop: 2), "rejected"),
            MatrixRow("ttl200_rejected_midstream", .device(hop: 2), "rejected"),
            MatrixRow("ttl200_unread_data", .application, "aborted", named: [4, 6]),
            MatrixRow("ttl200_linger_zero", .application, "aborted", named: [4, 6]),
            MatrixRow("ttl200_late_data", .kernel, "late_data", undecidable: [4], because: applicationTTL),
            MatrixRow("ttl200_late_data_pinged", .kernel, "late_data", named: [6]),
        ])

    /// Without an echo reply of the address nobody can tell (`one_hop_nearer`).
    static let oneHopNearer =
        "a kernel of the address itself, which forwards for a machine behind it, resets in the same way"

    private static let applicationTTL =
        "`application_ttl`: the application's TTL tells no distance, and no packet of the kernel was seen"
}
