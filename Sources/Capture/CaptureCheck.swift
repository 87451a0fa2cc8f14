// SPDX-License-Identifier: Apache-2.0

/// One thing that `doctor` looked at.
package struct CaptureCheck: Sendable, Equatable {
    package enum Level: String, CaseIterable, Sendable {
        case ok
        /// Capture works; something is missing or costs more than it need.
        case warn
        /// Capture does not work like this.
        case fail
    }

    /// The interface, or empty for the machine.
    package var subject: String
    /// Stable, in snake_case.
    package var name: String
    package var level: Level
    /// What was found, without a full stop.
    package var text: String
    /// What to do about it; empty where there is nothing to do.
    package var cure: String

    package init(_ level: Level, _ name: String, of subject: String = "", _ text: String, cure: String = "") {
        self.level = level
        self.name = name
        self.subject = subject
        self.text = text
        self.cure = cure
    }
}
