// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Glibc
internal import Yams

/// Reading of configuration files.
///
/// What a file holds is hostile until it has been looked at: its size is bounded, and it is read only where it is an ordinary file.
enum ConfigurationFile {
    /// Bytes; a hundred times what is needed.
    static let maximumBytes = 256 << 10
    /// Files in a drop-in directory.
    static let maximumDropIns = 64

    /// The settings of a file, in its order, and what is wrong with its keys.
    static func read(_ path: String) throws(ConfigurationError) -> (
        settings: [Setting], problems: [ConfigurationProblem]
    ) {
        guard let root = try document(at: path) else { return ([], []) }
        guard case .mapping(let mapping) = root else {
            // A file of comments holds one text, which is empty.
            if value(root) == .nothing { return ([], []) }
            throw ConfigurationError(
                at: path, line: root.mark?.line, "is no list of options; it takes lines such as `interfaces: [eth0]`")
        }
        var flat = Flat(path: path)
        flat.add(mapping, section: nil)
        return (flat.settings, flat.problems)
    }

    /// The drop-in files that belong to a file: those in `FILE.d` with a name that ends in `.yaml`, in the order of their names.
    static func dropIns(of path: String) throws(ConfigurationError) -> [String] {
        let directory = path + ".d"
        guard let stream = opendir(directory) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw ConfigurationError(at: directory, "cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".yaml"), !name.hasPrefix(".") else { continue }
            names.append(name)
            guard names.count <= maximumDropIns else {
                throw ConfigurationError(at: directory, "holds more than \(maximumDropIns) files")
            }
        }
        return names.sorted().map { "\(directory)/\($0)" }
    }

    /// A file's document; `nil` where it is empty.
    static func document(at path: String) throws(ConfigurationError) -> Node? {
        let text = try text(at: path)
        if let (line, problem) = PlainYAML.firstProblem(in: text) {
            throw ConfigurationError(at: path, line: line, "this line \(problem)")
        }
        do {
            return try Parser(yaml: text, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            let (line, problem) = explain(error)
            throw ConfigurationError(at: path, line: line, problem)
        } catch {
            throw ConfigurationError(at: path, "is no YAML: \(error)")
        }
    }

    private static func text(at path: String) throws(ConfigurationError) -> String {
        let bytes: [UInt8]
        do { bytes = try SmallFile.read(path, limit: maximumBytes) } catch {
            throw ConfigurationError(at: path, error.problem)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(at: path, "is not UTF-8")
        }
        return normal(text)
    }

    /// Without a byte order mark and with the line ends of Unix.
    private static func normal(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "\n", previous == "\r" { scalars.removeLast() }
            if previous != nil || scalar != "\u{feff}" { scalars.append(scalar) }
            previous = scalar
        }
        return String(scalars)
    }

    private static func explain(_ error: YamlError) -> (line: Int?, problem: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (mark.line, "this is no YAML: \(problem)")
        case .duplicatedKeysInMapping(let names, let context):
            (
                context.mark.line,
                "\(names.map(YAMLText.excerpt).joined(separator: ", ")) is there more than once; once is allowed"
            )
        case .reader(let problem, _, _, _): (nil, "this is no YAML: \(problem)")
        default: (nil, "this is no YAML")
        }
    }

    /// A document's options with the names of their sections before their own.
    private struct Flat {
        let path: String
        var settings: [Setting] = []
        var problems: [ConfigurationProblem] = []

        mutating func add(_ mapping: Node.Mapping, section: String?) {
            for (name, node) in mapping {
                let source = SettingSource.file(path, line: name.mark?.line)
                let text = name.scalar?.string ?? ""
                let key = [section, text].compactMap { $0 }.joined(separator: ".")
                let isSection = section == nil && ConfigurationOption.isSection(key)
                if isSection, case .mapping(let inner) = node {
                    add(inner, section: key)
                } else if isSection || text.contains(".") || ConfigurationOption.named(key) == nil {
                    // A section may be empty.
                    guard !isSection || value(node) != .nothing else { continue }
                    problems.append(ConfigurationProblem(source, ConfigurationOption.unknown(key)))
                } else {
                    settings.append(Setting(key, value(node), source))
                }
            }
        }
    }

    private static func value(_ node: Node) -> SettingValue {
        switch node {
        case .scalar(let scalar):
            let isNothing = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
            return isNothing ? .nothing : .scalar(scalar.string)
        case .sequence(let sequence):
            let items = sequence.compactMap { $0.scalar?.string }
            return items.count == sequence.count ? .list(items) : .structure
        default: return .structure
        }
    }
}

extension ConfigurationError {
    /// One problem in a file.
    package init(at path: String, line: Int? = nil, _ text: String) {
        problems = [ConfigurationProblem(.file(path, line: line), text)]
    }
}
