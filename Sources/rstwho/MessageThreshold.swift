// SPDX-License-Identifier: Apache-2.0
import Agent
import Logging
import Synchronization

/// The minimum priority of messages on standard error.
///
/// The configuration sets it, also while the program runs.
enum MessageThreshold {
    private static let level = Mutex(LogLevel.info)

    static func set(_ new: LogLevel) {
        level.withLock { $0 = new }
    }

    static func tells(_ message: Logger.Level) -> Bool {
        message >= level.withLock { $0.level }
    }
}
