// SPDX-License-Identifier: Apache-2.0

extension PathGroup {
    private static let office = ["pc1", "r1", "r2", "pc2", "net", "real", "lan"]
    private static let officePoints = ["pc1", "r1", "r2", "pc2"]
    /// The router on the way says that there is a shorter one, and nobody listens.
    private static let redirected: Set = ["redirect_ignored", "icmp_error"]

    /// The client's packets pass a router that filters by connection state, the answers do not.
    ///
    /// It sends redirects.
    static let caseTwo = PathGroup(
        name: "case2", machines: office, points: [.end("pc1"), .router("r1"), .router("r2"), .end("pc2")],
        rows: [
            oneWay("case2"), oneWay("case2_crowd"),
            .healthy("rest_of_the_world", at: officePoints),
        ])

    private static func oneWay(_ name: String) -> PathRow {
        PathRow(
            name,
            .finding(
                at: "pc1", "ack_not_delivered", besides: redirected, within: 6,
                naming: [4: ["192.168.1.1", "192.168.1.254"], 6: ["fe80::254"]]),
            .dropped(at: "r1", seenAs: redirected.union(["reply_bypasses"]), naming: tracking),
            .finding(at: "r2", "ack_not_delivered", besides: redirected),
            .finding(at: "pc2", "ack_not_delivered"))
    }

    private static let tracking = [4: ["onnection tracking"], 6: ["onnection tracking"]]

    /// The same without redirects, and the other way round: the SYN passes beside the router, the SYN-ACK does not.
    static let quiet = PathGroup(
        name: "quiet", machines: office, points: [.end("pc1"), .router("r1"), .end("pc2")],
        rows: [
            PathRow(
                "case2_quiet",
                .finding(at: "pc1", "ack_lost_or_queue_full"),
                .dropped(at: "r1", seenAs: ["reply_bypasses"], naming: tracking),
                .finding(at: "pc2", "ack_not_delivered")),
            PathRow(
                "reply_filtered",
                .finding(at: "pc1", "no_answer"),
                .dropped(at: "r1", seenAs: ["one_way_here"], naming: tracking),
                // It is the SYN-ACK that does not arrive: the client repeats its SYN.
                .finding(at: "pc2", "no_answer", "ack_not_delivered")),
            PathRow(
                "reverse_path",
                .finding(at: "pc1", "no_answer"),
                .dropped(at: "r1", seenAs: ["no_answer"], naming: [4: ["rp_filter"]]),
                .nothing(at: "pc2")),
            .healthy("rest_of_the_world", at: ["pc1", "r1", "pc2"]),
        ])

    /// The cures, and those to whom two ways are no harm.
    static let healthy = PathGroup(
        name: "healthy", machines: office, points: [.end("pc1"), .router("r1"), .router("r2"), .end("pc2")],
        rows: ["same_way", "same_way_back", "untracked", "direct_server_return", "rest_of_the_world"].map {
            .healthy($0, at: officePoints)
        },
        half: "src net 192.168.1.0/24 or src net fd00:1::/64")

    /// A router without state on the one-way path; its redirects are ignored, to nobody's harm.
    static let stateless = PathGroup(
        name: "stateless", machines: office, points: [.end("pc1"), .router("r1")],
        rows: [
            .healthy("stateless", at: ["pc1", "r1"], but: redirected),
            .healthy("rest_of_the_world", at: ["pc1", "r1"]),
        ])
}
