// SPDX-License-Identifier: Apache-2.0
internal import Packets
internal import Reporting

/// The members of the API's answers that are no findings.
enum APISchemas {
    private static let count = FieldDescription.Kind.integer(0...(1 << 53))
    private static let hop = FieldDescription.Kind.integer(0...256)
    private static let port = FieldDescription.Kind.integer(0...65535)
    private static let anything = FieldDescription.Kind.object([])

    private static func always(_ name: String, _ type: FieldDescription.Kind, _ meaning: String) -> FieldDescription {
        FieldDescription(name: name, type: type, meaning: meaning, isRequired: true)
    }

    private static func maybe(_ name: String, _ type: FieldDescription.Kind, _ meaning: String) -> FieldDescription {
        FieldDescription(name: name, type: type, meaning: meaning)
    }

    static let problem = [
        always("type", .text, "about:blank"), always("title", .text, "the phrase of the status"),
        always("status", .integer(400...599), "the status"), always("detail", .text, "what to do"),
        maybe("parameter", .text, "the parameter that is at fault"),
    ]

    static let host = [
        always("address", .text, "the address"), maybe("name", .text, "the operator's name"),
        maybe("owner", .text, "its operator"), maybe("vlan", port, "the VLAN, or a hash of tags and tunnel"),
        maybe("hop", hop, "the distance"), maybe("ttl", .integer(0...255), "the usual TTL"),
        maybe("initial_ttl", .integer(0...255), "the TTL that it sends with"),
        always("local", .flag, "it is this machine"), always("shared", .flag, "several machines or paths"),
        always("samples", .tally, "packets by what they prove"),
        always(
            "ttls",
            .list(
                .object([
                    always("ttl", .integer(0...255), "the TTL"), always("packets", count, "packets with it"),
                ])), "packets by TTL"),
        always("first_seen", .text, "the time"), always("last_seen", .text, "the time"),
    ]

    static let origin = [
        always("id", .text, "o-1"), maybe("name", .text, "the operator's name"), maybe("owner", .text, "its operator"),
        maybe("expected", .flag, "its resets are intended"),
        always("sender", .choice(["middlebox", "this_machine"]), "the sender"), maybe("hop", hop, "the distance"),
        maybe("hop_alternatives", .list(hop), "distances for other initial TTLs"),
        always("initial_ttl", .integer(0...255), "the TTL that it sends with"),
        maybe("address", .text, "its own address"), maybe("interface", .text, "the interface"),
        maybe("next_hop_mac", .text, "the MAC address"), always("numbering", .text, "how it numbers packets"),
        always("window", .flag, "its resets have a window"), always("resets", count, "resets"),
        maybe("first_seen", .text, "the time"), maybe("last_seen", .text, "the time"),
        maybe("idle_timer_seconds", .seconds, "the silence after which it drops connections"),
        always("causes", .list(.text), "causes of its resets"), always("hosts", .list(.text), "hosts it speaks for"),
        always("ports", .list(port), "their ports"),
    ]

    private static let direction = FieldDescription.Kind.object([
        always("interface", .text, "the interface"), always("direction", .choice(["in", "out"]), "the direction"),
        maybe("from_mac", .text, "the source"), maybe("from_name", .text, "its name"),
        maybe("to_mac", .text, "the destination"), maybe("to_name", .text, "its name"),
        always("connections", count, "connections"),
    ])

    static let path = [
        always("clients", .text, "the clients' network"), always("server", .text, "the server"),
        maybe("server_name", .text, "its name"), maybe("server_owner", .text, "its operator"),
        always("ways", .text, "whether both directions use the same path"),
        maybe("there", direction, "the forward direction"), maybe("back", direction, "the return direction"),
        always("connections", count, "connections"), always("worked", count, "those that were established"),
        always("retransmissions", count, "retransmitted segments"),
        maybe("round_trip_seconds", .seconds, "the round trip"),
        maybe("failing_ports", .list(port), "ports whose connections fail"),
        always("first_seen", .text, "the time"), always("last_seen", .text, "the time"),
    ]

    static let explanation = [
        always("question", .text, "the question"), always("answer", .text, "the answer"),
        maybe("finding", .id, "the finding that it rests on"), always("details", .list(.text), "more sentences"),
        maybe("action", .text, "the next step"), always("timeline", .list(anything), "the events"),
        maybe("path", anything, "the drawn path"), always("evidence", anything, "for, against, notes"),
        always("hypotheses", .list(anything), "explanations, and what speaks against them"),
        always("settling", .list(.text), "how to confirm it"), maybe("message", anything, "a message to others"),
        always("findings", .list(anything), "the findings"), always("hosts", .list(.object(host)), "the hosts"),
        always("origins", .list(.object(origin)), "the devices"), always("paths", .list(.object(path)), "the paths"),
    ]

    private static let counts = [
        always("seen", count, "packets"), always("segments", count, "segments"),
        always("missed", count, "not processed"),
        always("skipped", count, "forwarded, seen before"), always("recorded", .tally, "by class"),
        always("shed", .tally, "by class"), always("refused", .tally, "by reason"),
        always("lost", anything, "by class and reason"),
    ]

    static let ledger = [
        always(
            "items",
            .list(
                .object(
                    [
                        always("interface", .text, "the interface"),
                        always("direction", .text, "the direction"),
                    ] + counts)), "by interface and direction"),
        always("total", .object(counts), "the sum"), always("consumed", .tally, "by class"),
        always("in_ring", count, "records that wait"), always("kept_share", anything, "the part of flows, by class"),
        always("observed", count, "records of the engine"), always("rejected", count, "records that it refused"),
        always("balanced", .flag, "every packet is accounted for"),
    ]

    static let health = [
        always("service", .text, AgentVersion.name), always("version", .text, "the version"),
        always("status", .choice(["starting", "capturing", "blind", "ended"]), "the state"),
        always(
            "interfaces",
            .list(
                .object([
                    always("name", .text, "the interface"), always("hook", .text, "tc, xdp or xdp-generic"),
                    always("up", .flag, "it is watched"),
                ])), "the interfaces"),
    ]

    static let forgotten = [
        always("findings", count, "findings"), always("hosts", count, "hosts"), always("origins", count, "devices"),
        always("paths", count, "paths"), always("evidence_files", count, "evidence files"),
        always("fleet_records", count, "records that waited for the fleet"),
        always("damaged_history", .flag, "a damaged history was removed"),
    ]
}
