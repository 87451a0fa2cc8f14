// SPDX-License-Identifier: Apache-2.0
package import Yams

/// A problem in a document, with its position.
package struct YAMLProblem: Error, Sendable, Equatable {
    /// The line, the first of which is 1; `nil` where it is the whole.
    package var line: Int?
    /// The end of a sentence about the document.
    package var text: String
}

/// Reading of small documents that somebody else has written.
///
/// What they hold is hostile until it has been looked at: their size is bounded, and only `PlainYAML` is taken.
package enum YAMLDocument {
    /// Bytes; a hundred times what is needed.
    package static let maximumBytes = 256 << 10

    /// A document's root; `nil` where it is empty.
    package static func root(of bytes: some Collection<UInt8>) throws(YAMLProblem) -> Node? {
        guard bytes.count <= maximumBytes else { throw YAMLProblem(text: "is larger than \(maximumBytes) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw YAMLProblem(text: "is not UTF-8") }
        let document = normal(text)
        if let (line, problem) = PlainYAML.firstProblem(in: document) {
            throw YAMLProblem(line: line, text: "this line \(problem)")
        }
        do {
            return try Parser(yaml: document, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw explain(error)
        } catch {
            throw YAMLProblem(text: "is no YAML: \(error)")
        }
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

    private static func explain(_ error: YamlError) -> YAMLProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            YAMLProblem(line: mark.line, text: "this is no YAML: \(problem)")
        case .duplicatedKeysInMapping(let names, let context):
            YAMLProblem(
                line: context.mark.line,
                text: "\(names.map(YAMLText.excerpt).joined(separator: ", ")) is there more than once; once is allowed"
            )
        case .reader(let problem, _, _, _): YAMLProblem(text: "this is no YAML: \(problem)")
        default: YAMLProblem(text: "this is no YAML")
        }
    }
}
