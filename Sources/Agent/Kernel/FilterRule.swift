// SPDX-License-Identifier: Apache-2.0

/// A rule of this machine's packet filter that answers with a TCP reset, as `nft -a list ruleset` shows it.
package struct FilterRule: Sendable, Equatable {
    /// The identity of a rule for its lifetime (nft(8), "handle").
    package struct Key: Hashable, Sendable {
        package var family: String
        package var table: String
        package var chain: String
        package var handle: UInt64
    }

    package var key: Key
    /// The hook of its chain, for example `forward`; absent where other chains jump to it.
    package var hook: String?
    /// As people write it, without the counter's figures.
    package var text: String
    /// Packets that it matched; absent where it does not count.
    package var packets: UInt64?

    /// For example `chain inet filter forward, handle 7: tcp dport 22 counter reject with tcp reset`.
    package var description: String {
        "chain \(key.family) \(key.table) \(key.chain), handle \(key.handle): \(text)"
    }

    /// The rules of a listing that reject with a TCP reset.
    ///
    /// Lines that are none are skipped.
    package static func resetting(listing: some StringProtocol) -> [FilterRule] {
        var rules: [FilterRule] = []
        var table: (family: String, name: String)?
        var chain: (name: String, hook: String?)?
        // A rule with many elements goes over several lines; the last has its handle.
        var pending = ""
        for line in listing.split(separator: "\n") {
            let line = line.drop { $0 == " " || $0 == "\t" }
            let words = line.split(separator: " ")
            if words.first == "table", words.count >= 4 {
                table = (String(words[1]), String(words[2]))
                chain = nil
            } else if words.first == "chain", words.count >= 3, table != nil {
                chain = (String(words[1]), nil)
                pending = ""
            } else if line == "}" {
                chain = nil
            } else if words.first == "type", let hook = words.firstIndex(of: "hook"), hook + 1 < words.count {
                chain?.hook = String(words[hook + 1])
            } else if let table, let chain {
                pending += (pending.isEmpty ? "" : " ") + String(line)
                guard let (body, handle) = splitHandle(pending) else { continue }
                pending = ""
                let key = Key(family: table.family, table: table.name, chain: chain.name, handle: handle)
                if let rule = FilterRule(key, hook: chain.hook, body: body) { rules.append(rule) }
            }
        }
        return rules
    }

    private static let mark = " # handle "

    /// The rule's text and its handle; `nil` where the line does not end with one.
    private static func splitHandle(_ line: String) -> (Substring, UInt64)? {
        guard let hash = line.lastIndex(of: "#"), hash > line.startIndex else { return nil }
        let end = line[line.index(before: hash)...]
        guard end.hasPrefix(mark), let handle = UInt64(end.dropFirst(mark.count)) else { return nil }
        return (line[..<line.index(before: hash)], handle)
    }

    /// `nil` where the rule does not reject with a TCP reset.
    private init?(_ key: Key, hook: String?, body: Substring) {
        var words = body.split(separator: " ")
        // What people wrote about the rule is not the rule.
        let comment = words.firstIndex(of: "comment") ?? words.endIndex
        guard words[..<comment].joined(separator: " ").contains("reject with tcp reset") else { return nil }
        if let counter = words[..<comment].firstIndex(of: "counter"), counter + 4 < words.count,
            words[counter + 1] == "packets", words[counter + 3] == "bytes"
        {
            packets = UInt64(words[counter + 2])
            words.removeSubrange(counter + 1...counter + 4)
        }
        self.key = key
        self.hook = hook
        text = words.joined(separator: " ")
    }
}
