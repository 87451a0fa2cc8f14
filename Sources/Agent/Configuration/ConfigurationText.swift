// SPDX-License-Identifier: Apache-2.0

/// Configurations as people read them.
///
/// Both forms can be read back.
package enum ConfigurationText {
    /// The width of a comment's line, in bytes.
    private static let width = 120

    /// The shipped file: every option with its default and its purpose.
    package static var shipped: String {
        var text = """
            # Configuration of rstwho.service. Every option is listed with its default.
            #
            # Files in rstwho.yaml.d whose names end in .yaml are read after this one, in the order of their names, and
            # override it. The environment (RSTWHO_HTTP_LISTEN=off) and the command line override them, in this order.
            # `rstwho check-config` prints the effective configuration, or every problem in it. `systemctl reload rstwho`
            # applies the options that are marked as reloadable; all others need a restart.

            """
        let configuration = Configuration()
        lines { option, indentation in
            let paragraphs = [option.comment, "Takes \(option.allowed)." + (option.isReloadable ? " Reloadable." : "")]
            for line in paragraphs.flatMap({ wrapped($0, width: width - indentation.utf8.count) }) {
                text += "\(indentation)# \(line)\n"
            }
            text += "\(indentation)\(option.name): \(option.text(configuration))\n"
        } section: { name, isFirst in
            text += isFirst ? "\n" : ""
            text += name.isEmpty ? "" : "\(name):\n"
        }
        return text
    }

    /// Returns the effective configuration and the source of each value.
    package static func effective(_ effective: EffectiveConfiguration) -> String {
        var rows: [(text: String, source: String)] = []
        lines { option, indentation in
            rows.append(
                (
                    "\(indentation)\(option.name): \(option.text(effective.configuration))",
                    effective.source(of: option.key).description
                ))
        } section: { name, isFirst in
            if isFirst, !name.isEmpty { rows.append(("\(name):", "")) }
        }
        let column = min(48, rows.map(\.text.count).max() ?? 0)
        return rows.map { row in
            guard !row.source.isEmpty else { return row.text + "\n" }
            let padding = String(repeating: " ", count: max(0, column - row.text.count))
            return "\(row.text)\(padding)  # \(row.source)\n"
        }.joined()
    }

    /// Goes over all options.
    ///
    /// `section` is called before each; `isFirst` where a new section begins, or an option without one.
    private static func lines(
        option: (ConfigurationOption, _ indentation: String) -> Void, section: (Substring, _ isFirst: Bool) -> Void
    ) {
        var previous: Substring?
        for one in ConfigurationOption.all {
            if one.section != previous || one.section.isEmpty { section(one.section, true) }
            previous = one.section
            option(one, one.section.isEmpty ? "" : "  ")
        }
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + word.count + 1 > width - 2 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return lines + [line]
    }
}
