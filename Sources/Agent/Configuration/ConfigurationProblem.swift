// SPDX-License-Identifier: Apache-2.0

/// A problem in a configuration, with its position.
package struct ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    package var source: SettingSource
    /// The problem and the accepted values, as a sentence without its end.
    package var text: String

    init(_ source: SettingSource, _ text: String) {
        self.source = source
        self.text = text
    }

    package var description: String { "\(source): \(text)" }
}

/// All that is wrong with a configuration.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// At least one.
    package var problems: [ConfigurationProblem]

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
