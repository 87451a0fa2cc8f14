// SPDX-License-Identifier: Apache-2.0
internal import YAML
internal import Yams

extension FuzzCase {
    /// Levels of lists and mappings that a document can have: what a line may be indented by, and what it may have in
    /// brackets and dashes.
    private static let maximumDepth = 48

    /// Checks that accepted documents are no larger than their text and survive rewriting, and that refusals name an
    /// existing line.
    static func checkYAML(_ bytes: UnsafeRawBufferPointer) -> String? {
        let root: Node?
        do {
            root = try YAMLDocument.root(of: bytes)
        } catch {
            let lines = bytes.count { $0 == UInt8(ascii: "\n") } + 1
            // The end of a file without a line feed may count as a line behind it.
            guard let line = error.line, !(1...lines + 1).contains(line) else { return nil }
            return "line \(line) of \(lines): \(error.text)"
        }
        guard let root else { return nil }
        var texts: [String] = []
        guard let depth = measure(root, depth: 1, &texts) else { return "it is deeper than \(maximumDepth)" }
        if texts.count > bytes.count + 1 { return "\(texts.count) texts of \(bytes.count) bytes" }
        if texts.reduce(0, { $0 + $1.utf8.count }) > 4 * bytes.count { return "its texts are larger than the whole" }
        if depth > bytes.count + 1 { return "depth \(depth) of \(bytes.count) bytes" }
        for text in texts.prefix(64) {
            let again = try? YAMLDocument.root(of: YAMLText.list([text]).utf8)
            guard again?.sequence?.first?.scalar?.string == text else {
                return "\(text.debugDescription) is read otherwise"
            }
        }
        return nil
    }

    /// Returns the depth of a node; `nil` if it is too deep.
    ///
    /// Collects its texts.
    private static func measure(_ node: Node, depth: Int, _ texts: inout [String]) -> Int? {
        guard depth <= maximumDepth else { return nil }
        var deepest = depth
        switch node {
        case .scalar(let scalar): texts.append(scalar.string)
        case .sequence(let items):
            for item in items {
                guard let inner = measure(item, depth: depth + 1, &texts) else { return nil }
                deepest = max(deepest, inner)
            }
        case .mapping(let mapping):
            for (key, value) in mapping {
                for node in [key, value] {
                    guard let inner = measure(node, depth: depth + 1, &texts) else { return nil }
                    deepest = max(deepest, inner)
                }
            }
        case .alias: return nil
        }
        return deepest
    }

    /// Configurations and lists of devices, and what tools that make such files by themselves write.
    static let documents = [
        """
        # a comment
        interfaces: [eth0, "wan*", 'it''s']
        settle_seconds: 2.5
        capture: {hook: tc, tap: false}
        http:
          listen: "[::1]:9742"
          names:
            - fw1.example
            - "a\\x1b\\u2028\\n"
        inside: []
        history:
          days: ~
        """,
        """
        ---
        - name: fw-dc1   # stands in sentences
          owner: "netops: nights"
          hop: 2
          prefix: 10.4.0.0/16
          expected: true
        -
          name: gw1
          mac: 02:00:00:00:00:01
        ...
        """,
        "a: &x [1]\nb: *x\n<<: {c: d}\n", "? complex\n: key\n", "a: |\n  text\n  text\n", "a: !!binary AAAA\n",
        "%YAML 1.2\n---\na: b\n", "a: b\na: c\n", "\u{feff}a: b\r\nc:\td\r\n", "- - - - a\n", "[[[[a]]]]\n",
        "a:\n b:\n  c:\n   d: [e, {f: g}]\n", "a: \"open\n", "a: b: c\n", "key with blanks : value # no\n",
    ]
}
