// SPDX-License-Identifier: Apache-2.0

/// One option of the configuration: its key, what it takes, and what it is for.
package struct ConfigurationOption: Sendable {
    /// The key with its section: `http.listen`.
    package let key: String
    /// The purpose of the option, as the comment above it in the file.
    package let comment: String
    /// The accepted values, as the end of a sentence: `a number from 8 to 64`.
    package let allowed: String
    /// True where a running service can take a new value.
    package let isReloadable: Bool
    /// Puts a value in; false where it is not allowed.
    let apply: @Sendable (SettingValue, inout Configuration) -> Bool
    /// Takes the value of the first over into the second.
    let copy: @Sendable (Configuration, inout Configuration) -> Void
    /// The value as it is written in the file.
    package let text: @Sendable (Configuration) -> String

    /// - `path`: where the value is kept; its default is the property's.
    /// - `type`: how it is written and checked.
    /// - `reloads`: true where a running service can take a new value.
    init<Value>(
        _ key: String, _ path: any WritableKeyPath<Configuration, Value> & Sendable, _ type: OptionType<Value>,
        reloads: Bool = false, _ comment: String
    ) {
        self.key = key
        self.comment = comment
        allowed = type.allowed
        isReloadable = reloads
        apply = { value, configuration in
            guard let value = type.read(value) else { return false }
            configuration[keyPath: path] = value
            return true
        }
        copy = { $1[keyPath: path] = $0[keyPath: path] }
        text = { type.write($0[keyPath: path]) }
    }

    /// The name of its environment variable: `RSTWHO_HTTP_LISTEN`.
    package var variable: String {
        "RSTWHO_" + key.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }

    /// Its section; empty for one that has none.
    var section: Substring { key.contains(".") ? key.prefix { $0 != "." } : "" }

    /// The key within its section.
    var name: Substring { key.split(separator: ".").last ?? "" }

    static func named(_ key: String) -> ConfigurationOption? {
        all.first { $0.key == key }
    }
}
