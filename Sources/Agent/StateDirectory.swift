// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The directory of the agent's persistent data.
package enum StateDirectory: Sendable, Equatable {
    /// The service's; nowhere where there is none.
    case auto
    case off
    case path(String)

    /// The directory; `nil` for nowhere.
    package var path: String? {
        switch self {
        case .auto: Self.ofService
        case .off: nil
        case .path(let path): path
        }
    }

    /// The directory that systemd names for a unit with StateDirectory= (systemd.exec(5)); the first of several.
    ///
    /// `nil` where it names none.
    package static var ofService: String? {
        guard let state = getenv("STATE_DIRECTORY") else { return nil }
        let first = String(cString: state).prefix { $0 != ":" }
        return first.hasPrefix("/") ? String(first) : nil
    }

    /// The state directory of the packaged service.
    package static let standard = "/var/lib/rstwho"
}
