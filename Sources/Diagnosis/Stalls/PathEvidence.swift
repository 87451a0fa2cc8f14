// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The names that evidence of path findings can have. Each occurs here only.
package enum PathEvidence: String, CaseIterable, Sendable {
    // That something fails, and goes on failing
    case synACKRepeated = "syn_ack_repeated"
    case acknowledged = "syn_ack_acknowledged"
    case synRepeated = "syn_repeated"
    case dataRepeated = "data_repeated"
    case ackRepeated = "ack_repeated"
    case hostAnswers = "host_answers"
    case clientLives = "client_lives"
    // Where
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
    case tapOneWay = "tap_one_way"
    case silenceBefore = "silence_before"
    case pairWorks = "others_work"
    case signed = "segments_signed"

    /// What a piece speaks for.
    package enum Group: Sendable {
        /// A failure that lasts, against a packet or two that were lost.
        case failure
        /// The path, against the server.
        case place
        /// Nothing: it explains.
        case note
    }

    package struct Row: Sendable {
        package let group: Group
        /// Natural-log odds.
        package let weight: Double
        /// Why it has this weight.
        package let source: String
    }

    package var row: Row {
        switch self {
        case .synACKRepeated:
            Row(
                group: .failure, weight: 2,
                source: "for two copies, one more with each: RFC 6298, each needs a loss more")
        case .acknowledged:
            Row(
                group: .failure, weight: 1,
                source: "the client has the SYN-ACK: two acknowledgements in a row were lost")
        case .synRepeated:
            Row(
                group: .failure, weight: 1.5,
                source: "for two copies, one more with each: 3 % of loss takes 1 of 40,000")
        case .dataRepeated:
            Row(group: .failure, weight: 1, source: "for two copies, 0.5 more with each: RFC 6298, timeouts double")
        case .ackRepeated:
            Row(
                group: .failure, weight: 1.5,
                source: "a handshake is acknowledged again only when its SYN-ACK comes again")
        case .hostAnswers:
            Row(group: .failure, weight: 2, source: "the host is up and reachable: the service or a filter is it")
        case .clientLives:
            Row(group: .failure, weight: 1, source: "a client that answers others is not a spoofed source")
        case .tapOneWay:
            Row(group: .failure, weight: 3, source: "routes differ for some connections, a tap for all")
        case .redirected:
            Row(group: .place, weight: 4, source: "RFC 792: the router that got the packet is not on the best way")
        case .ackNeverHere:
            Row(group: .place, weight: 5, source: "a server cannot accept what does not come as far as here")
        case .allPortsFail:
            Row(group: .place, weight: 3.5, source: "accept queues are full one by one, a way fails for all ports")
        case .otherPortWorks:
            Row(
                group: .place, weight: -2,
                source: "a way that fails fails for all ports, unless a filter tells them apart")
        case .otherWayBack:
            Row(
                group: .place, weight: 1.5, source: "two ways are common and mostly healthy; a filter with state is not"
            )
        case .ackAtServer:
            Row(group: .place, weight: -4, source: "no router is left between here and the server")
        case .listenOverflows:
            Row(group: .place, weight: -5, source: "TcpExtListenOverflows counts what tcp_v4_syn_recv_sock turned away")
        case .silenceBefore, .pairWorks, .signed, .neverSYNACK, .neverSYN, .answerPasses, .onlyLarge, .othersTwoWay,
            .recovered:
            Row(group: .note, weight: 0, source: "explains")
        }
    }

    /// The path or the server is named from this probability on; below both are.
    package static let decided = 0.95
}

extension Evidence {
    /// - Parameter extra: What more samples add to the weight.
    init(
        _ name: PathEvidence, extra: Double = 0, observed: String? = nil, expected: String? = nil, _ text: String
    ) {
        self.init(
            name: name.rawValue, weight: name.row.weight + extra, observed: observed, expected: expected, text: text)
    }
}

extension [Evidence] {
    /// The log odds that pieces of one group add up to.
    private func logOdds(_ group: PathEvidence.Group) -> Double {
        reduce(0) { sum, piece in
            PathEvidence(rawValue: piece.name)?.row.group == group ? sum + piece.weight : sum
        }
    }

    /// The probability of a failure that lasts.
    var failure: Double { 1 / (1 + exp(-logOdds(.failure))) }

    /// The probability that it is the path and not the server; 0.5 where nothing speaks for either.
    var path: Double { 1 / (1 + exp(-logOdds(.place))) }
}
