// SPDX-License-Identifier: Apache-2.0
internal import YAML

extension ConfigurationOption {
    static func isSection(_ name: String) -> Bool {
        !name.isEmpty && all.contains { $0.section == name }
    }

    /// True where a text with commas stands for a list.
    var takesList: Bool { allowed.hasPrefix("a list of ") }

    /// The sentence for a key that is none.
    static func unknown(_ key: String) -> String {
        let shown = YAMLText.excerpt(key)
        if isSection(key) {
            return "\(shown) is a section; it takes \(names(in: key)) below it"
        }
        if let option = named(key) {
            return "\(shown) is written as \(option.name) below the line `\(option.section):`"
        }
        if let nearest = nearest(key) { return "\(shown) is no option; did you mean \(nearest)?" }
        let section = key.prefix { $0 != "." }
        if isSection(String(section)) {
            return "\(shown) is no option; \(section) takes \(names(in: String(section)))"
        }
        let names = all.map { $0.section.isEmpty ? $0.key : String($0.section) }
        let each = names.enumerated().filter { names.firstIndex(of: $1) == $0 }.map(\.element)
        return "\(shown) is no option; there are \(each.joined(separator: ", "))"
    }

    private static func names(in section: String) -> String {
        all.filter { $0.section == section }.map { String($0.name) }.joined(separator: ", ")
    }

    /// Returns the likely intended name: a key, a section, or an option within a section.
    private static func nearest(_ key: String) -> String? {
        if let near = NearestName.of(key, among: all.map(\.key) + all.map { String($0.section) }.filter { !$0.isEmpty })
        {
            return near
        }
        let name = String(key.split(separator: ".").last ?? "")
        guard let near = NearestName.of(name, among: all.map { String($0.name) }) else { return nil }
        return all.first { $0.name == near }?.key
    }
}
