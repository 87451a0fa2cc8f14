// SPDX-License-Identifier: Apache-2.0
package import Packets

/// A finding about a packet, a connection, a host or a link: the fields common to all kinds, and the details of its own
/// kind.
///
/// The fields are those of the JSON contract; `nil` means that the field is absent there. Its `summary` and `advice`
/// are made from the others by Reporting's `Sentences`.
package struct Finding: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// The sender and the cause of one reset.
        case reset
        /// A connection fails because of the way that its packets take.
        case path
        /// A host's packets take another way than before.
        case pathChange = "path_change"
        /// A device or a host refused a packet, by ICMP.
        case icmpError = "icmp_error"
        /// Something to know when reading the other findings.
        case notice
    }

    /// The fields that only findings of its kind have.
    package enum Details: Sendable {
        case reset(Reset)
        case path(Path)
        case pathChange(PathChange)
        case icmpError(ICMPError)
        case notice(Notice)
    }

    /// The capture point of a packet.
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
        /// The first sentence of `summary`; `nil` where the reporter did not mark it.
        package var headline: String?

        package init(summary: String, advice: String, headline: String? = nil) {
            self.summary = summary
            self.advice = advice
            self.headline = headline
        }
    }

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
    /// Of a reset in its own direction; of a path finding and of what an ICMP error quotes with the client first, where
    /// that is known.
    ///
    /// Of a path change from the host to one of its peers.
    package var fiveTuple: FiveTuple
    /// The connection's other five-tuple, where this machine translates addresses or ports; in the direction of
    /// `fiveTuple`.
    package var translated: FiveTuple?
    /// Probability that the verdict is right; absent where there is none.
    package var confidence: Double?
    /// Resets, connections or ICMP errors that it stands for.
    package var count: Int = 1
    package var vantage: Vantage?
    package var evidence: [Evidence]
    package var details: Details
    /// Names that stand for addresses which the source did not tell (a text without `-n`); shown in their place.
    package var names: [IPAddress: String] = [:]
    /// The device that sent it, where the operator has named it.
    package var device: KnownDevice?
    /// The operator's names of what it speaks of.
    package var places = PlaceNames()
    /// The sentences as another agent told them; what they are made from is not all in the JSON contract.
    package var told: Told?
    /// The scope of the connection; for metrics, not part of the JSON contract.
    package var scope: Scope = .transit
    /// Packet time from the packet to this verdict, ns; for metrics, not part of the JSON contract.
    package var delay: UInt64 = 0

    package init(id: String, fiveTuple: FiveTuple, details: Details, evidence: [Evidence] = []) {
        self.id = id
        self.fiveTuple = fiveTuple
        self.details = details
        self.evidence = evidence
    }

    package var kind: Kind {
        switch details {
        case .reset: .reset
        case .path: .path
        case .pathChange: .pathChange
        case .icmpError: .icmpError
        case .notice: .notice
        }
    }

    /// A reset's details; `nil` for other kinds.
    ///
    /// Setting it makes it a finding of that kind.
    package var reset: Reset? {
        get { if case .reset(let reset) = details { reset } else { nil } }
        set { if let newValue { details = .reset(newValue) } }
    }

    /// A path finding's details; `nil` for other kinds.
    package var path: Path? { if case .path(let path) = details { path } else { nil } }

    /// An ICMP error's details; `nil` for other kinds.
    package var icmpError: ICMPError? { if case .icmpError(let error) = details { error } else { nil } }

    /// The cause as JSON has it, whatever the kind; `nil` for kinds without one.
    package var causeName: String? {
        switch details {
        case .reset(let reset): reset.cause.rawValue
        case .path(let path): path.cause.rawValue
        case .notice(let notice): notice.cause.rawValue
        case .pathChange, .icmpError: nil
        }
    }

    /// True for what someone has to look into: a reset that its host did not send, a connection that fails on its way.
    ///
    /// The one rule for exit status, evidence files, lists and alerts: `problem` in JSON. Resets of a device that the
    /// operator expects are none.
    package var isProblem: Bool {
        guard device?.isExpected != true else { return false }
        return switch details {
        case .reset(let reset): reset.sender.isForeign
        case .path(let path): path.cause.isProblem
        case .pathChange, .icmpError, .notice: false
        }
    }

    /// The port of the service.
    package var servicePort: UInt16 {
        switch details {
        case .reset(let reset):
            fiveTuple.servicePort(serverIsSource: reset.serverIsSource ?? (reset.stage == .syn ? true : nil))
        case .path: fiveTuple.destinationPort
        case .icmpError(let error):
            error.clientIsSource == nil ? fiveTuple.servicePort(serverIsSource: nil) : fiveTuple.destinationPort
        case .pathChange, .notice: fiveTuple.servicePort(serverIsSource: nil)
        }
    }

    /// `address` as it is shown.
    package func text(_ address: IPAddress) -> String { names[address] ?? address.description }
}
