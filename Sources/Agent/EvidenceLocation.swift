// SPDX-License-Identifier: Apache-2.0

/// Where evidence files are kept.
package enum EvidenceLocation: Sendable, Equatable {
    /// Below the service's state directory; nowhere where there is none.
    case auto
    case off
    case directory(String)

    /// The directory; `nil` for nowhere.
    package var path: String? {
        switch self {
        case .off: return nil
        case .directory(let path): return path
        case .auto:
            return StateDirectory.ofService.map { "\($0)/evidence" }
        }
    }
}
