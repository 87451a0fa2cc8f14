// SPDX-License-Identifier: Apache-2.0
import Testing

/// One row of the matrix: what its traffic is by construction, and what may be said of it.
struct MatrixRow: Sendable {
    /// The sender of a row's resets.
    enum Sender: Sendable, Equatable {
        case application
        case kernel
        case packetFilter
        /// A device on the path, at this hop as seen from the client; `nil` where the hop cannot be known.
        case device(hop: Int?)

        var isHost: Bool {
            if case .device = self { false } else { true }
        }

        /// The name of the sender in a finding.
        var name: String {
            switch self {
            case .application: "host_application"
            case .kernel: "host_kernel"
            case .packetFilter: "host_firewall"
            case .device: "middlebox"
            }
        }
    }

    /// IP versions.
    typealias Versions = Set<Int>

    /// As in `Tests/Lab/Traffic`.
    let name: String
    /// `nil`: nobody resets anything.
    let sender: Sender?
    /// The sender of the resets after the first, if it differs.
    let next: Sender?
    let causes: Set<String>
    /// The versions in which the part of the host must be named; elsewhere `host` is enough.
    let named: Versions
    /// The versions in which the sender cannot be known, so that `undetermined` is equally right.
    let undecidable: Versions
    /// The number of resets with the server's address; if one is forged, the host may add its own.
    let count: ClosedRange<Int>
    /// The reason for an unknowable sender.
    let reason: String?
    /// The known error of the engine.
    let knownIssue: String?

    init(
        _ name: String, _ sender: Sender?, then next: Sender? = nil, _ causes: String..., named: Versions = [],
        undecidable: Versions = [],
        count: ClosedRange<Int>? = nil, because reason: String? = nil, knownIssue: String? = nil
    ) {
        self.name = name
        self.sender = sender
        self.next = next
        self.causes = Set(causes)
        self.named = named
        self.undecidable = undecidable
        self.count = count ?? (sender == nil ? 0...0 : 1...1)
        self.reason = reason
        self.knownIssue = knownIssue
    }

    /// Returns the sender of one of the row's resets.
    func truth(of reset: ReportedFinding, among resets: [ReportedFinding], _ played: MatrixRun.Played) -> Sender? {
        if let next, reset.id != resets.map(\.id).min() { return next }
        return sender.map { played.sender(of: reset, made: $0) }
    }

    /// The relation of a verdict to the truth.
    enum Outcome: String, CaseIterable, Sendable {
        case right
        /// Nothing was said, where nothing can be known, or where it could.
        case abstained
        /// A host is accused of nothing, a device of something that a host did.
        case falseAccusation = "false accusation"
        /// A device's reset passes as the host's.
        case missed
        /// The host, but not the part of it that it was.
        case wrongPart = "wrong part"
    }

    /// Judges a sender as a finding names it.
    static func outcome(of verdict: String, truth: Sender) -> Outcome {
        if verdict == "undetermined" { return .abstained }
        switch (truth.isHost, verdict) {
        case (true, "host"): return .right
        case (true, "middlebox"), (true, "this_machine"): return .falseAccusation
        case (true, _): return verdict == truth.name ? .right : .wrongPart
        case (false, "middlebox"): return .right
        case (false, _): return .missed
        }
    }
}
