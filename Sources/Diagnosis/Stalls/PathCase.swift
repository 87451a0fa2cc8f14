// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// A suspicious flow with all that is known around it at one moment: what a verdict on its way is made of.
struct PathCase: Sendable {
    var suspect: PathSuspect
    /// Each direction as it was seen arriving, under either five-tuple of a translated connection.
    var flow: FlowEntry
    var now: UInt64
    /// Both five-tuples, where this machine translates the connection.
    var connection: TranslatedConnection?
    /// Nothing comes any more: the end of the capture.
    var isLast = false
    /// A router's word that packets to the server had better go another way.
    var redirect: Redirects.Hint?
    /// Ports of the server that fail while none works.
    var failingPorts: [UInt16] = []
    /// A port of the server that works.
    var workingPort: UInt16?
    /// The two directions' links, where they differ.
    var otherWayBack: (forward: PathLink, back: PathLink)?
    /// The server's host lives.
    var answer: Finding.Path.Answer?
    /// The client's host was heard of by more than this connection.
    var clientLives = false
    /// This is the server's machine, as far as direction of its packets tells.
    var isServer = false
    /// Accept queue overflows that this machine's kernel counted meanwhile.
    var listenOverflows: UInt64 = 0
    /// Another connection of the same two hosts to the same port worked a moment ago.
    var pairWorks = false
    /// A device refused packets of these two hosts to that port by ICMP: that says more.
    var isRefused = false
    /// Connections that both directions were seen of.
    var twoWayFlows: UInt64 = 0
    /// The shortest round trip known of the route, ns.
    var roundTrip: UInt64?

    /// The connection as the client opened it.
    var fiveTuple: FiveTuple { connection?.original ?? suspect.fiveTuple }

    /// One direction was seen leaving this machine and never arriving: it comes in under another five-tuple, or by an
    /// interface that is not watched.
    ///
    /// What it lacks here was not missing.
    var isHalfHidden: Bool {
        (client.packets == 0 && client.hasLeft) || (server.packets == 0 && server.hasLeft)
    }

    var client: FlowSide { suspect.client(flow) }
    var server: FlowSide { suspect.server(flow) }

    /// The client has acknowledged the SYN-ACK.
    var isAcknowledged: Bool {
        client.hasAck && server.sentSYN && !SequenceNumber.isAfter(server.initialSeq &+ 1, client.ack)
    }

    /// The server took the connection: it sent data, or acknowledged the client's.
    var isTaken: Bool { server.hasTaken(client) }

    /// Whether the retransmitted data has been acknowledged.
    var isDataAcknowledged: Bool {
        let receiver = suspect.dataIsFromClient ? server : client
        return receiver.hasAck && SequenceNumber.isAfter(receiver.ack, suspect.dataSeq)
    }
}

/// The verdict about one flow's path.
struct PathVerdict: Sendable {
    var cause: Finding.PathCause
    var evidence: [Evidence]
    var confidence: Double
    var path: Finding.Path
}
