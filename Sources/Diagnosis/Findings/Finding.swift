// SPDX-License-Identifier: Apache-2.0
package import Packets

/// What rstwho has to say about one reset.
///
/// The fields are those of the JSON contract; `nil` means that the field is absent there. Its `summary` and `advice` are
/// made from the others by Reporting's `Sentences`.
package struct Finding: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case reset
        case path
        case pathChange = "path_change"
        case icmpError = "icmp_error"
        case notice
    }

    /// Who sent a reset.
    package enum Sender: String, CaseIterable, Sendable {
        case hostApplication = "host_application"
        case hostKernel = "host_kernel"
        case hostFirewall = "host_firewall"
        /// The host, but which part of it cannot be told.
        case host
        case middlebox
        /// Made on this machine, with an address that is not this machine's.
        case thisMachine = "this_machine"
        case undetermined

        /// True for a sender that is not the host whose address the reset carries.
        package var isForeign: Bool { self == .middlebox || self == .thisMachine }
    }

    /// Why a reset was sent.
    package enum Cause: String, CaseIterable, Sendable {
        case portClosed = "port_closed"
        case rejected
        case aborted
        case lateData = "late_data"
        case keepaliveRace = "keepalive_race"
        case halfOpenCheck = "half_open_check"
        case idleTimeout = "idle_timeout"
        case untranslated
        case injected
        case backscatter
        case unknown
    }

    /// What the connection had come to: what the user felt.
    package enum Stage: String, CaseIterable, Sendable {
        /// Before the SYN was answered: a connect refused.
        case syn
        /// SYN and SYN-ACK seen, no data yet.
        case handshake
        /// Data flowed: a transfer cut.
        case data
        /// Nothing had flowed for a while: an idle connection dropped.
        case idle
        /// One side had closed before.
        case afterClose = "after_close"
        /// No flow is known.
        case none
    }

    /// Where rstwho stood when it saw the packet.
    package struct Vantage: Hashable, Sendable {
        package var host: String?
        package var interface: String?
        package var hook: String?
        /// `in` or `out`; absent where the source does not tell.
        package var direction: String?

        package init(host: String? = nil, interface: String? = nil, hook: String? = nil, direction: String? = nil) {
            self.host = host
            self.interface = interface
            self.hook = hook
            self.direction = direction
        }
    }

    /// A finding's sentences.
    package struct Told: Hashable, Sendable {
        package var summary: String
        package var advice: String

        package init(summary: String, advice: String) {
            self.summary = summary
            self.advice = advice
        }
    }

    package var kind: Kind = .reset
    /// 26 letters and digits, made of packet time and content: the same live, from a file and again tomorrow.
    package var id: String
    /// 0 at first; counts up when a later packet settles what was undetermined.
    package var revision: Int = 0
    /// ns since 1970; absent where the source tells no time.
    package var time: UInt64?
    /// 1-based frame number in a file or packet number in a text.
    package var frame: UInt64?
    /// The file that the frame is in, where several are read.
    package var file: String?
    package var fiveTuple: FiveTuple
    package var flags: TCPFlags
    package var ttl: UInt8
    package var seq: UInt32
    package var ack: UInt32
    package var sender: Sender
    /// The sender's hop by the reset's TTL: the neighbour is 1, this machine 0.
    package var hop: Int
    /// The hop of the host whose address the reset carries, where its baseline is known.
    package var hostHop: Int?
    /// Packets that this baseline rests on; for the sentences.
    package var hostSamples: Int?
    /// Probability that `sender` is right; absent for `undetermined`.
    package var confidence: Double?
    package var cause: Cause
    package var stage: Stage
    /// How the connection's flags went, where that is one of the published tampering signatures.
    package var signature: TamperingSignature?
    /// The device that sent it, as `origins` lists it: `o-7`.
    package var origin: String?
    /// That device's own address and idle timer (seconds), where they are known; for the sentences.
    package var originAddress: IPAddress?
    package var originIdleTimer: Double?
    /// Seconds for which the flow had been silent before the reset; present only where it was measured.
    package var idleSeconds: Double?
    package var vlan: UInt16?
    /// Source MAC address of the frame that carried the reset, as `02:00:00:00:00:01`.
    package var nextHopMAC: String?
    /// Hash of seq, ack, flags, payload length and timestamps, without addresses.
    package var packetKey: String
    package var count: Int = 1
    package var vantage: Vantage?
    package var evidence: [Evidence]
    /// Names that stand for addresses which the source did not tell (a text without `-n`); shown in their place.
    package var names: [IPAddress: String] = [:]
    /// True where the reset's source is the side that was connected to; `nil` where no packet told.
    package var serverIsSource: Bool?
    /// The sentences as another agent told them; what they are made from is not all in the JSON contract.
    package var told: Told?
    /// Whose connection it is; for metrics, not part of the JSON contract.
    package var scope: Scope = .transit
    /// Packet time from the reset to this verdict, ns; for metrics, not part of the JSON contract.
    package var delay: UInt64 = 0

    package init(
        kind: Kind = .reset, id: String, fiveTuple: FiveTuple, flags: TCPFlags, ttl: UInt8, seq: UInt32, ack: UInt32,
        sender: Sender, hop: Int, cause: Cause, stage: Stage, packetKey: String, evidence: [Evidence] = []
    ) {
        self.kind = kind
        self.id = id
        self.fiveTuple = fiveTuple
        self.flags = flags
        self.ttl = ttl
        self.seq = seq
        self.ack = ack
        self.sender = sender
        self.hop = hop
        self.cause = cause
        self.stage = stage
        self.packetKey = packetKey
        self.evidence = evidence
    }

    /// The port of the service.
    package var servicePort: UInt16 {
        fiveTuple.servicePort(serverIsSource: serverIsSource ?? (stage == .syn ? true : nil))
    }

    /// `address` as it is shown.
    package func text(_ address: IPAddress) -> String { names[address] ?? address.description }
}
