// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Where the agent keeps what outlives it.
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

    /// What systemd names for a unit with StateDirectory= (systemd.exec(5)); the first of several. `nil` where it names none.
    package static var ofService: String? {
        guard let state = getenv("STATE_DIRECTORY") else { return nil }
        let first = String(cString: state).prefix { $0 != ":" }
        return first.hasPrefix("/") ? String(first) : nil
    }

    /// Where the service of the package has it.
    package static let standard = "/var/lib/rstwho"
}
