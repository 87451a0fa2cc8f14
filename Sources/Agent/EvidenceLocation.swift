// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Where evidence files are kept.
package enum EvidenceLocation: Sendable, Equatable {
    /// Below the service's state directory; nowhere where there is none.
    case auto
    case off
    case directory(String)

    /// The directory; `nil` for nowhere. systemd names the state directory in `STATE_DIRECTORY` (systemd.exec(5)); of several the
    /// first counts.
    package var path: String? {
        switch self {
        case .off: return nil
        case .directory(let path): return path
        case .auto:
            guard let state = getenv("STATE_DIRECTORY") else { return nil }
            let first = String(cString: state).prefix { $0 != ":" }
            return first.hasPrefix("/") ? "\(first)/evidence" : nil
        }
    }
}
