// SPDX-License-Identifier: Apache-2.0

/// Where evidence files are kept.
package enum EvidenceLocation: Sendable, Equatable {
    /// Below the state directory; nowhere where there is none.
    case auto
    case off
    case directory(String)

    /// The directory; `nil` for nowhere.
    package func path(below state: StateDirectory) -> String? {
        switch self {
        case .off: nil
        case .directory(let path): path
        case .auto: state.path.map { "\($0)/evidence" }
        }
    }
}
