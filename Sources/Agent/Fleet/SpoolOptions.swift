// SPDX-License-Identifier: Apache-2.0

/// The settings of the records that the agent writes for the fleet.
package struct SpoolOptions: Sendable, Equatable {
    /// The place of the spool.
    package enum Location: Sendable, Equatable {
        case off
        /// Below the state directory; nowhere where there is none.
        case auto
        case directory(String)

        package func path(below state: StateDirectory) -> String? {
            switch self {
            case .off: nil
            case .directory(let path): path
            case .auto: state.path.map(SpoolOptions.standard)
            }
        }
    }

    /// The findings that are reported.
    package enum Selection: String, CaseIterable, Sendable {
        /// Those that somebody has to look into.
        case problems
        /// Those, and resets that somebody felt: of connections that were not closing.
        case felt
        case all
    }

    /// The spool within a state directory.
    package static func standard(below state: String) -> String { "\(state)/fleet" }

    package var location = Location.off
    /// The agent's name, unique in its realm; empty for the host's name.
    package var name = ""
    package var site = ""
    package var realm = ""
    package var findings = Selection.felt
    /// Flows whose handshakes are reported: the part of all, 0 to 1; `nil` for as many as give 20 packets a second.
    package var sampledShare: Double?
    /// Seconds after which a batch is closed.
    package var interval = 10
    /// Bytes of finished batches at most, and hours for which one is kept.
    package var spoolBytes = 256 << 20
    package var spoolHours = 24

    package init() {}
}
