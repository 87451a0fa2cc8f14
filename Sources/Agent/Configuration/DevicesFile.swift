// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets
internal import YAML
internal import Yams

/// Reading of the file in which the operator names devices.
package enum DevicesFile {
    private static let keys = ["name", "owner", "mac", "address", "prefix", "hop", "idle_timer", "expected"]
    /// Characters of a name or an owner.
    private static let longestName = 64

    /// The devices of a file, in its order: a list of mappings.
    ///
    /// - Throws: with everything that is wrong.
    package static func read(_ path: String) throws(ConfigurationError) -> DeviceNames {
        guard let root = try ConfigurationFile.document(at: path) else { return DeviceNames() }
        guard case .sequence(let items) = root else {
            if case .scalar(let scalar) = root, scalar.string.isEmpty { return DeviceNames() }
            throw ConfigurationError(
                at: path, line: root.mark?.line, "is no list of devices; each begins with a line such as `- name: fw1`")
        }
        var problems: [ConfigurationProblem] = []
        var entries: [DeviceNames.Entry] = []
        for item in items {
            guard problems.count < ConfigurationFile.maximumProblems else {
                problems.append(ConfigurationFile.notAll(.file(path, line: item.mark?.line)))
                break
            }
            if let entry = entry(item, path, &problems) { entries.append(entry) }
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return DeviceNames(entries)
    }

    private static func entry(
        _ node: Node, _ path: String, _ problems: inout [ConfigurationProblem]
    ) -> DeviceNames.Entry? {
        let before = problems.count
        guard case .mapping(let mapping) = node else {
            problems.append(
                ConfigurationProblem(.file(path, line: node.mark?.line), "is no device; it takes \(list(keys))"))
            return nil
        }
        var entry = DeviceNames.Entry(device: KnownDevice(name: ""), mac: nil, address: nil, prefix: nil, hop: nil)
        for (name, value) in mapping {
            let source = SettingSource.file(path, line: name.mark?.line)
            let key = name.scalar?.string ?? ""
            guard keys.contains(key) else {
                let near =
                    NearestName.of(key, among: keys).map { "; did you mean \($0)?" } ?? "; it takes \(list(keys))"
                problems.append(ConfigurationProblem(source, "\(YAMLText.excerpt(key)) is nothing of a device\(near)"))
                continue
            }
            let text = value.scalar?.string ?? ""
            if let allowed = take(key, text, &entry) {
                problems.append(
                    ConfigurationProblem(source, "\(key) is \(YAMLText.excerpt(text)); it takes \(allowed)"))
            }
        }
        let source = SettingSource.file(path, line: node.mark?.line)
        if mapping["name"] == nil { problems.append(ConfigurationProblem(source, "a device has no name")) }
        if ["mac", "address", "prefix", "hop"].allSatisfy({ mapping[$0] == nil }) {
            problems.append(
                ConfigurationProblem(source, "nothing says how this device is known: mac, address, prefix or hop"))
        }
        return problems.count == before ? entry : nil
    }

    /// Takes a value over.
    ///
    /// Returns what is allowed where it is not.
    private static func take(_ key: String, _ text: String, _ entry: inout DeviceNames.Entry) -> String? {
        switch key {
        case "name", "owner":
            guard isName(text) else { return "1 to \(longestName) characters that can be seen" }
            if key == "name" { entry.device.name = text } else { entry.device.owner = text }
        case "mac":
            guard isMAC(text) else { return "an address such as 02:00:00:00:00:01" }
            entry.mac = text.lowercased()
        case "address":
            guard let address = IPAddress(text) else { return "an IP address" }
            entry.address = address
        case "prefix":
            guard let prefix = IPPrefix(prefixOrAddress: text) else { return "a prefix such as 10.4.0.0/16" }
            entry.prefix = prefix
        case "hop":
            guard let hop = Int(text), (0...64).contains(hop) else { return "a number from 0 to 64" }
            entry.hop = hop
        case "idle_timer":
            guard let seconds = Double(text), (1...10_000_000).contains(seconds) else {
                return "a number of seconds from 1 to 10000000"
            }
            entry.device.idleTimer = seconds
        default:
            guard text == "true" || text == "false" else { return "true or false" }
            entry.device.isExpected = text == "true"
        }
        return nil
    }

    /// Names stand in sentences, on terminals and in pages: nothing in them may move a cursor or hide.
    private static func isName(_ text: String) -> Bool {
        (1...longestName).contains(text.count) && text.unicodeScalars.count <= 4 * longestName
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
                default: true
                }
            }
    }

    private static func isMAC(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 6
            && parts.allSatisfy { $0.utf8.count == 2 && UInt8($0, radix: 16) != nil && $0.first != "+" }
    }

    private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}
