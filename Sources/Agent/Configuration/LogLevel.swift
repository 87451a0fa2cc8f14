// SPDX-License-Identifier: Apache-2.0
package import Logging

/// The minimum priority of a message that is written.
package enum LogLevel: String, CaseIterable, Sendable {
    case error
    case warning
    case notice
    case info
    /// Also what libraries have to say of each connection.
    case debug

    package var level: Logger.Level {
        switch self {
        case .error: .error
        case .warning: .warning
        case .notice: .notice
        case .info: .info
        case .debug: .debug
        }
    }
}
