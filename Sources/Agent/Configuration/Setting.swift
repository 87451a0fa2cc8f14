// SPDX-License-Identifier: Apache-2.0

/// A value as it was written somewhere.
package enum SettingValue: Sendable, Equatable {
    case scalar(String)
    case list([String])
    /// A key without a value.
    case nothing
    /// A section or a list of other things than texts.
    case structure

    var scalar: String? {
        if case .scalar(let text) = self { text } else { nil }
    }

    /// The items; one text stands for a list of one.
    var list: [String]? {
        switch self {
        case .scalar(let text): text.isEmpty ? [] : [text]
        case .list(let items): items
        case .nothing, .structure: nil
        }
    }
}

/// The place where a value was set.
package enum SettingSource: Sendable, Equatable, CustomStringConvertible {
    case standard
    /// The line counts from 1; `nil` for the file as a whole.
    case file(String, line: Int?)
    case environment(String)
    case commandLine

    /// The line of a file, where it is known.
    package var line: Int? {
        if case .file(_, let line) = self { line } else { nil }
    }

    package var description: String {
        switch self {
        case .standard: "default"
        case .file(let name, let line): line.map { "\(name):\($0)" } ?? name
        case .environment(let variable): variable
        case .commandLine: "command line"
        }
    }
}

/// One option's value and where it was written.
package struct Setting: Sendable, Equatable {
    package var key: String
    package var value: SettingValue
    package var source: SettingSource

    package init(_ key: String, _ value: SettingValue, _ source: SettingSource) {
        self.key = key
        self.value = value
        self.source = source
    }
}
