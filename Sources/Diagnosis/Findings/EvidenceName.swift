// SPDX-License-Identifier: Apache-2.0

/// The names that evidence can have, of whatever finding.
///
/// Each occurs here only.
package enum EvidenceName: String, CaseIterable, Sendable {
    // Proofs
    case madeHere = "made_here"
    case leftUndiminished = "left_undiminished"
    case otherLink = "other_link"
    case dataAfterReset = "data_after_reset"
    case application = "application"
    case loopback = "loopback"
    case onLink = "on_link"
    case flowLabelKept = "flow_label_kept"
    case flowLabelMissing = "flow_label_missing"
    case activeTrace = "active_trace"
    case notSeenNearer = "not_seen_nearer"
    // Distance
    case ttlFlow = "ttl_flow"
    case ttlHost = "ttl_host"
    case initialTTL = "initial_ttl"
    case otherInitialTTL = "other_initial_ttl"
    case behindTranslator = "behind_translator"
    case forwardsForAnother = "forwards_for_another"
    // Numbering
    case triggerIdentification = "trigger_ip_id_copied"
    case otherCounter = "ip_id_of_other"
    case ownCounter = "ip_id_continues"
    case otherFlow = "continues_other_flow"
    case constantIdentification = "ip_id_constant"
    // Window and options
    case triggerWindow = "trigger_window_copied"
    case windowWithoutTimestamps = "window_without_timestamps"
    // Marking
    case dscpLost = "dscp_lost"
    case dscpKept = "dscp_kept"
    // Time
    case soonerThanRTT = "sooner_than_rtt"
    case plausibleRTT = "rtt_plausible"
    // Races
    case synAckAfterReset = "syn_ack_after_reset"
    case bothTalkOn = "both_talk_on"
    case twinResets = "twin_resets"
    case bothSidesReset = "both_sides_reset"
    case acksUnsent = "acks_unsent"
    // What this machine says of itself
    case kernelEvent = "kernel_event"
    case filterRule = "filter_rule"
    case conntrack
    // What this machine did not send on
    case notForwarded = "not_forwarded"
    case kernelDrop = "kernel_drop"
    case leftBefore = "left_before"
    case destinationLeft = "destination_left"
    case trackingState = "conntrack_state"
    case trackingCounter = "conntrack_counter"
    case reversePathFilter = "reverse_path_filter"
    // Why nothing, or less, can be said
    case noFlow = "no_flow"
    case flowShed = "flow_shed"
    case noBaseline = "no_baseline"
    case noTTL = "no_ttl"
    case fartherThanHost = "farther_than_host"
    case oneHopNearer = "one_hop_nearer"
    case reflected
    case severalDistances = "several_distances"
    case otherInterface = "other_interface"
    case copiesUnordered = "copies_unordered"
    case pathMoved = "path_moved"
    case applicationTTL = "application_ttl"
    case ttlRewritten = "ttl_rewritten"
    case benignClose = "benign_close"
    case resetText = "reset_text"
    // That something fails, and goes on failing
    case synACKRepeated = "syn_ack_repeated"
    case acknowledged = "syn_ack_acknowledged"
    case synRepeated = "syn_repeated"
    case dataRepeated = "data_repeated"
    case ackRepeated = "ack_repeated"
    case hostAnswers = "host_answers"
    case clientLives = "client_lives"
    case tapOneWay = "tap_one_way"
    // The path or the server
    case redirected = "redirected"
    case ackNeverHere = "ack_never_here"
    case allPortsFail = "all_ports_fail"
    case otherPortWorks = "other_port_works"
    case otherWayBack = "other_way_back"
    case ackAtServer = "ack_at_server"
    case listenOverflows = "listen_overflows"
    case neverSYNACK = "syn_ack_never_here"
    case neverSYN = "syn_never_here"
    case answerPasses = "answer_passes_here"
    case onlyLarge = "only_large_lost"
    case othersTwoWay = "others_both_ways"
    case recovered = "recovered"
    case silenceBefore = "silence_before"
    case pairWorks = "others_work"
    case signed = "segments_signed"
    // How far to believe an ICMP error, and its outcome
    /// It quotes a sequence number that the connection is nowhere near (RFC 5927, 4.1).
    case outsideWindow = "seq_outside_window"
    /// A redirect that the router next door would not send (RFC 1122, 3.2.2.2; RFC 4861, 8.1).
    case implausible = "implausible_redirect"
    /// A UDP or echo packet, or a connect, with a TTL as traceroute sets it.
    case traced = "low_ttl"
    /// It passed here with a TTL that takes it to every host, and did not arrive.
    case looped = "high_ttl"
    /// The quoted packet is a server's answer: its client no longer waits for it.
    case answer = "quotes_answer"
    /// The other side answered or acknowledged afterwards.
    case wentOn = "went_on"
    /// The same packet was refused again.
    case sentAgain = "sent_again"
    /// The host was told again to use another router: it goes on using this one.
    case toldAgain = "told_again"
    /// Kinds of ICMP errors beyond the bound were counted with this one.
    case others = "others_counted"
    /// A name that this version does not have, of a finding that another version reported.
    case unlisted
}

extension EvidenceName {
    /// The name of stored evidence, `unlisted` where this version has none of that name.
    ///
    /// Before 0.2 `sooner_than_rtt` also spoke for the host: that is `rtt_plausible`.
    init(stored name: String, weight: Double) {
        let known = EvidenceName(rawValue: name) ?? .unlisted
        self = known == .soonerThanRTT && weight < 0 ? .plausibleRTT : known
    }
}
