// SPDX-License-Identifier: Apache-2.0

extension PathGroup {
    private static let line = ["client", "near", "firewall", "far", "server", "extra"]
    private static let linePoints: [Point] = [.end("client"), .router("firewall"), .end("server")]

    /// One path for both directions, on which packets vanish, or do not.
    static let faults = PathGroup(
        name: "faults", machines: line, points: linePoints, rows: losses + filters + queues + narrow + rewritten)

    /// One packet is lost, once.
    ///
    /// Where the firewall says that it dropped it, it is right.
    private static let losses: [PathRow] =
        (["to_server", "to_client"].flatMap { direction in (1...5).map { "lost_\(direction)_\($0)" } }
        + ["lost_ack_server_first"]).map {
            PathRow(
                $0, .nothing(at: "client", but: ["loss"]), .nothing(at: "firewall", but: ["loss", "dropped_here"]),
                .nothing(at: "server", but: ["loss"]))
        }

    /// Filters that say nothing.
    private static let filters = [
        PathRow(
            "silent_syn",
            .finding(at: "client", "no_answer"),
            .dropped(at: "firewall", seenAs: ["no_answer"]),
            .nothing(at: "server")),
        PathRow(
            "signed_by_one_side",
            .finding(at: "client", "no_answer", naming: [4: ["MD5"], 6: ["MD5"]]),
            .finding(at: "firewall", "no_answer", naming: [4: ["MD5"], 6: ["MD5"]]),
            .finding(at: "server", "no_answer", naming: [4: ["MD5"], 6: ["MD5"]])),
        PathRow(
            "silent_syn_ack",
            .finding(at: "client", "no_answer"),
            .dropped(at: "firewall", seenAs: ["no_answer"]),
            .finding(at: "server", "no_answer", "ack_not_delivered")),
        PathRow(
            "silent_ack",
            .finding(at: "client", "ack_lost_or_queue_full"),
            .dropped(at: "firewall", seenAs: ["ack_lost_or_queue_full"]),
            .finding(at: "server", "ack_not_delivered")),
        PathRow(
            "silent_data",
            .nothing(at: "client", but: ["loss"]),
            .dropped(at: "firewall", seenAs: ["loss"]),
            .nothing(at: "server")),
    ]

    /// A server that accepts too slowly, and one that waits for data.
    private static let queues = [
        PathRow(
            "queue_full",
            .finding(at: "client", "ack_lost_or_queue_full"),
            .finding(at: "firewall", "ack_lost_or_queue_full"),
            // What the server's kernel counts is not in any file.
            .finding(
                at: "server", "accept_queue_full", fromFile: ["accept_queue_full", "ack_lost_or_queue_full"])),
        PathRow(
            "queue_full_at_syn",
            .finding(at: "client", "no_answer"),
            .finding(at: "firewall", "no_answer"),
            .finding(
                at: "server", "accept_queue_full", fromFile: ["accept_queue_full", "no_answer"])),
        .healthy("deferred_1", at: linePoints.map(\.machine)),
        .healthy("deferred_3", at: linePoints.map(\.machine)),
    ]

    /// A link that is too narrow for full segments.
    private static let narrow = [
        PathRow(
            "narrow_told",
            .finding(
                at: "client", "icmp_error", besides: ["loss"], naming: [4: ["1300"], 6: ["1300"]]),
            .finding(at: "firewall", "icmp_error", besides: ["loss", "dropped_here"]),
            .nothing(at: "server", but: ["loss"])),
        PathRow(
            "narrow_untold",
            .nothing(at: "client", but: ["loss"]),
            .dropped(at: "firewall", seenAs: ["loss"]),
            .nothing(at: "server", but: ["loss"])),
    ]

    /// The fields that a device between two capture points rewrites.
    private static let rewritten = [
        .healthy("translated", at: linePoints.map(\.machine)),
        PathRow(
            "translated_silent_data",
            .nothing(at: "client", but: ["loss"]),
            .dropped(at: "firewall", seenAs: ["loss"]),
            .nothing(at: "server")),
        .healthy("clamped", at: linePoints.map(\.machine)),
        .healthy("proxied", at: linePoints.map(\.machine), but: ["loss"]),
        // The segment that it answers with a reset it does drop.
        PathRow(
            "rejected_midstream", .nothing(at: "client"), .nothing(at: "firewall", but: ["dropped_here"]),
            .nothing(at: "server")),
    ]

    /// Many packets at once, none of them of a connection that anybody wants.
    static let crowds = PathGroup(
        name: "crowds", machines: line, points: linePoints,
        rows: [
            PathRow(
                "scan", .nothing(at: "client"), .nothing(at: "firewall", but: ["dropped_here"]), .nothing(at: "server")),
            PathRow(
                "flood", .nothing(at: "client"), .nothing(at: "firewall", but: ["dropped_here"]), .nothing(at: "server")
            ),
            .healthy("beside", at: linePoints.map(\.machine)),
        ])
}
