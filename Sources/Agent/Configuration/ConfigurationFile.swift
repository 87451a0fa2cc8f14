// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Glibc
internal import YAML
internal import Yams

/// Reading of configuration files: only ordinary ones, of bounded size.
enum ConfigurationFile {
    /// Files in a drop-in directory.
    static let maximumDropIns = 64
    /// The maximum number of problems reported for one file; each one costs a search for the nearest name.
    static let maximumProblems = 100

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

    /// The drop-in files that belong to a file: those in `FILE.d` with a name that ends in `.yaml`, in the order of
    /// their names.
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
        let bytes: [UInt8]
        do { bytes = try SmallFile.read(path, limit: YAMLDocument.maximumBytes) } catch {
            throw ConfigurationError(at: path, error.problem)
        }
        do { return try YAMLDocument.root(of: bytes) } catch {
            throw ConfigurationError(at: path, line: error.line, error.text)
        }
    }

    /// Stands for all that follows.
    static func notAll(_ source: SettingSource) -> ConfigurationProblem {
        ConfigurationProblem(source, "from here on nothing was looked at: \(maximumProblems) problems are enough")
    }

    /// A document's options with the names of their sections before their own.
    private struct Flat {
        let path: String
        var settings: [Setting] = []
        var problems: [ConfigurationProblem] = []

        mutating func add(_ mapping: Node.Mapping, section: String?) {
            for (name, node) in mapping {
                let source = SettingSource.file(path, line: name.mark?.line)
                guard problems.count < ConfigurationFile.maximumProblems else {
                    problems.append(ConfigurationFile.notAll(source))
                    return
                }
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
