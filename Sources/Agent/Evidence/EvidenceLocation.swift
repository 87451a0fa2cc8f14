// SPDX-License-Identifier: Apache-2.0

/// The location of evidence files.
package enum EvidenceLocation: Sendable, Equatable {
    /// Below the state directory, wherever that is; nowhere where there is none.
    case auto
    case off
    case directory(String)

    /// The location of evidence files within a state directory.
    package static func standard(below state: String) -> String { "\(state)/evidence" }

    /// The directory; `nil` for nowhere.
    package func path(below state: StateDirectory) -> String? {
        switch self {
        case .off: nil
        case .directory(let path): path
        case .auto: state.path.map(Self.standard)
        }
    }
}
