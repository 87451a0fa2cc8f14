// SPDX-License-Identifier: Apache-2.0

extension MatrixGroup {
    /// Addresses and paths that are not what they seem: translators, balancers, proxies, several paths, a rewritten
    /// DSCP.
    static let paths = MatrixGroup(
        name: "paths",
        rows: [
            MatrixRow("short_path_closed_port", .kernel, "port_closed", named: [6]),
            MatrixRow(
                "equal_cost_closed_port", .kernel, "port_closed", undecidable: [4, 6], count: 6...6,
                because: severalDistances),
            MatrixRow("equal_cost_aborts", .application, "aborted", named: [4, 6], count: 6...6),
            MatrixRow("equal_cost_late_data", .kernel, "late_data", named: [6], count: 6...6),
            MatrixRow("path_change_abort", .application, "aborted", undecidable: [4, 6], because: pathChange),
            MatrixRow("path_change_late_data", .kernel, "late_data", undecidable: [4, 6], because: pathChange),
            MatrixRow("path_change_same_flow", .application, "aborted", named: [4, 6]),
            MatrixRow("path_change_closed_port", .kernel, "port_closed", undecidable: [4, 6], because: pathChange),
            MatrixRow("path_change_rejected", .device(hop: 2), "rejected"),
            MatrixRow("washed_closed_port", .kernel, "port_closed", named: [6]),
            MatrixRow("washed_host_filter", .packetFilter, "port_closed", "rejected", named: [6], because: washed),
            MatrixRow("marked_session_rejected", .device(hop: 2), "rejected"),
            MatrixRow("marked_session_late_data", .kernel, "late_data", named: [4, 6]),
            MatrixRow("published_closed_port", .kernel, "port_closed", named: [6]),
            MatrixRow("published_abort", .application, "aborted", named: [4, 6]),
            MatrixRow(
                "balanced_closed_port", .kernel, "port_closed", undecidable: [4, 6], count: 6...6,
                because: severalDistances),
            MatrixRow("balanced_aborts", .application, "aborted", named: [4, 6], count: 6...6),
            // Of each of two machines two connections abort and two are closed too soon.
            MatrixRow("masqueraded_aborts", .application, "aborted", named: [4, 6], count: 4...4),
            MatrixRow("masqueraded_late_data", .kernel, "late_data", named: [6], count: 4...4),
            // The kernel resets what the proxy sends on after the abort, be it a SYN.
            MatrixRow("proxied_abort", .application, then: .kernel, "aborted", "late_data", count: 1...3),
            MatrixRow("proxied_closed_port", .kernel, "port_closed", "unknown"),
            MatrixRow(
                // Behind the proxy both ends go on for a moment, which looks like an injected reset.
                "proxied_rejected", .device(hop: 3), "rejected", "injected", undecidable: [4, 6], count: 1...2,
                because: severalDistances),
            MatrixRow("failover_abort", .application, "aborted", named: [4, 6]),
            MatrixRow("failover_late_data", .kernel, "late_data", named: [6]),
            MatrixRow("failover_rejected", .device(hop: 2), "rejected"),
        ])

    private static let severalDistances =
        "`several_distances`: packets of the address come from more than one, and none proves anything"
    private static let pathChange = "`path_moved`: what comes another way is not accused"
    private static let washed = "the way back loses the DSCP, and without it an IPv4 filter's reset is the kernel's"
}
