// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences about evidence that a connection fails on its path.
struct PathWords {
    private let piece: Evidence

    init(_ piece: Evidence) { self.piece = piece }

    private var observed: String { piece.observed?.text ?? "" }

    var sentence: String {
        switch piece.name {
        case .synACKRepeated: "the server sends its SYN-ACK again and again"
        case .acknowledged: "the client acknowledges it each time"
        case .synRepeated: "the client sends its SYN again and again"
        case .dataRepeated:
            "the \(isFromServer ? "server" : "client")'s data is sent again and again, and never acknowledged"
        case .ackRepeated: "the client acknowledges the handshake again and again: the server repeats its SYN-ACK"
        case .hostAnswers: "\(place) is up: it answered something else meanwhile"
        case .clientLives: "other packets of \(observed) are answered: its address is not spoofed"
        case .tapOneWay: "only one direction of these connections passes here"
        case .redirected: redirected
        case .ackNeverHere:
            "the client's ACK never arrives here, and the client does not repeat its SYN: it has the SYN-ACK"
        case .allPortsFail: "several ports of \(place) fail, and none works"
        case .otherPortWorks: "another port of \(place) works meanwhile"
        case .otherWayBack: "the replies take another path than the requests"
        case .ackAtServer: "the ACKs were seen where \(place) is: no router is left that could lose them"
        case .listenOverflows: "this machine's kernel counts connections that found an accept queue full"
        case .neverSYNACK: "the client has a SYN-ACK that never passed here"
        case .neverSYN: "the SYN that this SYN-ACK answers never passed here"
        case .answerPasses: "the server's SYN-ACK passes here, and the client does not get it"
        case .onlyLarge: "only a large segment is lost, smaller ones were acknowledged"
        case .othersTwoWay: "both directions of other connections pass here"
        case .recovered: "it got through\(delay)"
        case .silenceBefore: "the connection had been silent for \(observed) before"
        case .pairWorks: "another connection of the same two hosts to the same port works"
        case .signed: signed
        default: ""
        }
    }

    private var transmissions: Evidence.Value.Transmissions? {
        if case .transmissions(let transmissions)? = piece.observed { transmissions } else { nil }
    }

    private var isFromServer: Bool { transmissions?.isFromServer ?? false }

    private var delay: String {
        transmissions?.delay.map { " after \(Finding.Path.text(Double($0) / 1e9)) s" } ?? ""
    }

    /// The host that the value is about.
    private var place: String {
        switch piece.observed {
        case .ports(_, let host)?, .life(_, let host)?, .server(let host, _)?: "\(host)"
        default: "the server"
        }
    }

    private var redirected: String {
        guard case .redirect(let redirect, let server)? = piece.observed else { return "" }
        return
            "\(redirect.from) told the client by ICMP redirect to reach \(server) by \(redirect.gateway): it got these "
            + "packets, and is not on the path that the replies take"
    }

    private var signed: String {
        var segment = "SYN-ACK"
        if case .signature(_, isSYN: true)? = piece.observed { segment = "SYN" }
        return "the \(segment) carries a signature: a receiver without the matching key drops it silently"
    }
}
