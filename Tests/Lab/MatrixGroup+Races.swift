// SPDX-License-Identifier: Apache-2.0

extension MatrixGroup {
    /// A round trip to the host takes 20 ms, and somebody beside the path is faster.
    static let races = MatrixGroup(
        name: "races", extra: ["extra", "outsider"],
        rows: [
            MatrixRow("injected_own_ttl", .device(hop: 2), "injected"),
            MatrixRow("injected_ttl_copied", .device(hop: nil), "injected"),
            MatrixRow("injected_id_copied", .device(hop: nil), "injected"),
            MatrixRow("injected_window_copied", .device(hop: nil), "injected"),
            MatrixRow("injected_twins", .device(hop: nil), "injected", count: 2...2),
            MatrixRow("injected_bare_own_ttl", .device(hop: 2), "injected"),
            MatrixRow("injected_guessed_own_ttl", .device(hop: 2), "injected"),
            MatrixRow("injected_guessed_ttl_copied", .device(hop: nil), "injected"),
            MatrixRow("injected_syn_own_ttl", .device(hop: 2), "injected"),
            MatrixRow(
                "injected_syn_ttl_copied", .device(hop: nil), "injected", undecidable: [4, 6],
                because: "a copied TTL speaks for the host, and some servers send such a reset before their SYN-ACK"),
            MatrixRow("flood_known_host", .device(hop: 2), undecidable: [4, 6], count: 150...150, because: noFlow),
            MatrixRow("flood_unknown_host", .device(hop: 2), undecidable: [4, 6], count: 150...150, because: noFlow),
            MatrixRow("abort_and_same_port", .application, "aborted", named: [4, 6]),
            MatrixRow("challenge_and_same_port", .kernel, "unknown", "stale_connection", named: [6], count: 1...2),
            MatrixRow("half_open_check", .kernel, "half_open_check", named: [6], count: 3...3),
            MatrixRow("connect_check", .application, "half_open_check", "aborted", named: [4, 6], count: 3...3),
            MatrixRow("keepalive_race", .kernel, "keepalive_race", named: [6], count: 3...3),
            MatrixRow("late_data_far", .kernel, "late_data", named: [6]),
            MatrixRow("unread_data_far", .application, "aborted", named: [4, 6]),
            MatrixRow("closed_port_far", .kernel, "port_closed", named: [6]),
        ])

    private static let noFlow = "no packet of the connection was seen: it may answer what somebody forged"
}
