// SPDX-License-Identifier: Apache-2.0

extension MatrixGroup {
    /// A mirror port that shows every routed packet twice, before and after the router.
    ///
    /// Hops count from either.
    static let mirror = MatrixGroup(
        name: "mirror", vantage: .sensor,
        rows: [
            MatrixRow("mirrored_closed_port", .kernel, "port_closed", named: [6]),
            MatrixRow("mirrored_rejected", .device(hop: nil), "rejected"),
            MatrixRow(
                "mirrored_midstream", .device(hop: nil), "rejected", undecidable: [4, 6], because: oneHopNearer),
            MatrixRow("mirrored_abort", .application, "aborted", named: [4, 6]),
            MatrixRow("mirrored_late_data", .kernel, "late_data", named: [6]),
        ])

    /// The firewall forwards tunnels whose packets it looks into.
    ///
    /// The routers at their ends are its neighbours.
    static let tunnels = MatrixGroup(
        name: "tunnels", vantage: .firewall,
        rows: ["vxlan", "geneve"].flatMap { kind in
            [
                MatrixRow("\(kind)_closed_port", .kernel, "port_closed", named: [6]),
                MatrixRow("\(kind)_rejected", .device(hop: 1), "rejected"),
                MatrixRow(
                    "\(kind)_midstream", .device(hop: 1), "rejected", undecidable: [4, 6], because: oneHopNearer),
                MatrixRow("\(kind)_abort", .application, "aborted", named: [4, 6]),
            ]
        })

    /// A router that gives everything one TTL: no distance means anything.
    static let rewriter = MatrixGroup(
        name: "rewriter",
        rows: [
            MatrixRow("rewritten_closed_port", .kernel, "port_closed", undecidable: [4, 6], because: rewriting),
            MatrixRow("rewritten_rejected", .device(hop: nil), "rejected", undecidable: [4, 6], because: rewriting),
            MatrixRow("rewritten_midstream", .device(hop: nil), "rejected", undecidable: [4, 6], because: rewriting),
            MatrixRow("rewritten_abort", .application, "aborted", named: [4, 6]),
            MatrixRow("rewritten_late_data", .kernel, "late_data", undecidable: [4], because: rewriting),
        ])

    private static let rewriting = "`ttl_rewritten`: all packets arrive with one TTL, whoever sent them"
}
