// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The result of a probe.
package struct ProbeResult: Sendable {
    /// The state of the port as seen from here.
    package enum State: String, Sendable, CaseIterable {
        /// A SYN-ACK came.
        case open
        /// The host itself sent a RST, or said that the port is unreachable.
        case closed
        /// A device sent a RST in the host's name.
        case rejected
        /// A RST came, and who sent it is not decidable.
        case refused
        /// SYNs vanish without an answer, while the host answers something else or other packets go farther.
        case filtered
        /// Somebody said by ICMP that it is not allowed.
        case prohibited
        /// Somebody said by ICMP that the host or its network cannot be reached, or the packets go in a loop.
        case unreachable
        /// Nothing at all came from the host, nor from a device that a SYN did not reach.
        case silent
    }

    /// Whoever answers, or filters: as `Finding.Sender` has it.
    package enum Sender: String, Sendable, CaseIterable {
        case host
        case middlebox
        case thisMachine = "this_machine"
        case undetermined
    }

    /// A device on the way, or the silence where one should be.
    package struct Hop: Sendable, Equatable {
        /// The neighbour is 1.
        package var number: Int
        /// Addresses that answered from there: several where paths part.
        ///
        /// Empty where nobody did.
        package var addresses: [IPAddress]
        /// The shortest round trip, in ns.
        package var roundTrip: UInt64?

        package init(number: Int, addresses: [IPAddress], roundTrip: UInt64?) {
            self.number = number
            self.addresses = addresses
            self.roundTrip = roundTrip
        }
    }

    package var target: IPAddress
    package var port: UInt16
    package var state: State
    package var sender: Sender
    /// The possible hops of the sender; 0 is this machine.
    ///
    /// `nil` where nothing is known of it.
    package var hops: ClosedRange<Int>?
    /// The sender's own address, where it is a device that is known by one.
    package var address: IPAddress?
    /// The smallest TTL that drew the answer to the SYN.
    package var answeredAt: Int?
    /// The host's hop: the smallest TTL with which it answered anything else, or at least that where
    /// `hostHopIsMinimum`.
    package var hostHop: Int?
    package var hostHopIsMinimum = false
    /// The probability that `sender` is right; `nil` for `undetermined`.
    package var confidence: Double?
    package var evidence: [Evidence] = []
    /// The reason in an ICMP error.
    package var unreachable: ProbeAnswer.Unreachable?
    /// The devices on the way, from the neighbour to the last that answered.
    package var path: [Hop] = []
    /// The last hop that a SYN demonstrably reached without being answered for good; 0 for none.
    package var lastReached = 0
    /// Packets that were sent.
    package var packets = 0
    /// Segments that came from the host's address and answer none of them: forged, or of a device that answers what
    /// nobody asked.
    ///
    /// They count for nothing.
    package var unmatched = 0
    /// False where a bound ended the probe.
    package var isComplete = true
    /// The device that answers or drops, where the operator has named it, and the names of the other places.
    package var device: KnownDevice?
    package var places = PlaceNames()

    package init(target: IPAddress, port: UInt16, state: State, sender: Sender) {
        self.target = target
        self.port = port
        self.state = state
        self.sender = sender
    }

    /// True where one hop has several addresses.
    package var hasSeveralPaths: Bool { path.contains { $0.addresses.count > 1 } }

    /// True where the answer, or the silence, is not the host's: somebody to ask stands on the path.
    package var isForeign: Bool {
        switch state {
        case .rejected, .filtered: true
        case .prohibited: sender != .host
        case .open, .closed, .refused: sender == .middlebox || sender == .thisMachine
        case .unreachable, .silent: false
        }
    }
}
