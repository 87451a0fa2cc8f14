// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Testing

/// A frame, and what the parser has to make of it, in `ParsedFrame`'s words.
struct ParserCase: CustomTestStringConvertible, Sendable {
    var name: String
    var frame: FrameBuilder
    var expected: String

    init(_ name: String, _ frame: FrameBuilder, _ expected: String) {
        self.name = name
        self.frame = frame
        self.expected = expected
    }

    var testDescription: String { name }

    func check(_ location: SourceLocation = #_sourceLocation) {
        #expect(frame.parsed().description == expected, "\(name)", sourceLocation: location)
    }
}

/// The end of the text of a RST from the server to the client.
func reset(_ rest: String, ttl: Int = 64) -> String {
    "tcp 10.4.0.2:22 > 10.1.0.1:50992 ttl \(ttl) reset \(rest)"
}
