// SPDX-License-Identifier: Apache-2.0
package import Packets

extension Finding {
    /// The sender of a reset.
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
        /// The other side still has an older connection of the same addresses and ports.
        case staleConnection = "stale_connection"
        case idleTimeout = "idle_timeout"
        case untranslated
        case injected
        case unknown
    }

    /// The state of the connection: the effect for the user.
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
        /// No packet of the connection is known, or nothing but bare ACKs and FINs that nobody answered (a scan).
        case none
        /// Packets of the connection were shed: what it had come to is not known.
        case unknown
    }

    /// The details of one reset.
    package struct Reset: Sendable {
        package var flags: TCPFlags
        package var ttl: UInt8
        package var seq: UInt32
        package var ack: UInt32
        package var sender: Sender
        /// The sender's hop by the reset's TTL: the neighbour is 1, this machine 0.
        ///
        /// `nil` where the TTL is none that a path leaves of 64, 128 or 255: an application set it.
        package var hop: Int?
        /// The hop of the host whose address the reset carries, where its baseline is known.
        package var hostHop: Int?
        /// Packets that this baseline rests on; for the sentences.
        package var hostSamples: Int?
        package var cause: Cause
        package var stage: Stage
        /// The sequence of the connection's flags, if it is one of the published tampering signatures.
        package var signature: TamperingSignature?
        /// The device that sent it, as `origins` lists it: `o-7`.
        package var origin: String?
        /// The device's own address and idle timer (seconds), if known; for the sentences.
        package var originAddress: IPAddress?
        package var originIdleTimer: Double?
        /// Seconds for which the flow had been silent before the reset; present only where it was measured.
        package var idleSeconds: Double?
        package var vlan: UInt16?
        /// Source MAC address of the frame that carried the reset, as `02:00:00:00:00:01`.
        package var nextHopMAC: String?
        /// Hash of seq, ack, flags, payload length and timestamps, without addresses.
        package var packetKey: String
        /// True where the reset's source is the side that was connected to; `nil` where no packet told.
        package var serverIsSource: Bool?
        /// The answer that it refused was the first that came: the connection's work was lost.
        ///
        /// For the sentences.
        package var losesAnswer = false

        package init(
            flags: TCPFlags, ttl: UInt8, seq: UInt32, ack: UInt32, sender: Sender, hop: Int?, cause: Cause,
            stage: Stage,
            packetKey: String
        ) {
            self.flags = flags
            self.ttl = ttl
            self.seq = seq
            self.ack = ack
            self.sender = sender
            self.hop = hop
            self.cause = cause
            self.stage = stage
            self.packetKey = packetKey
        }
    }
}
