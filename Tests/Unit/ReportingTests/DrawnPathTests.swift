// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Reporting

@Suite("The drawn path")
struct DrawnPathTests {
    private static let rejected = DrawnPath([
        .you, .init("10.1.0.2", hop: 1), .init("10.2.0.2", hop: 2, remark: "sent the RST", isMarked: true),
        .init(nil, hop: 3), .init("10.4.0.2", hop: 4, remark: "closed"),
    ])

    private static let directions = DrawnPath(rows: [
        .init(
            label: "there", direction: .forward,
            stops: [
                .init("client"), .init("R1", link: .broken("ACK vanishes here")), .init("R2", link: .noted("3 ms")),
                .init("server"),
            ]),
        .init(label: "back", direction: .backward, stops: [.init("client"), .init("R2"), .init("server")]),
    ])

    private static let long = DrawnPath(
        [.you] + (1...9).map { .init($0 % 5 == 0 ? "2001:db8:0:\($0)::1" : "192.0.2.\($0)", hop: $0) }
            + [.init("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", hop: 10, remark: "open, with a remark of some length")])

    private static let silent = DrawnPath(
        [.you, .init("192.0.2.1", hop: 1)] + (2...8).map { .init(nil, hop: $0) } + [.init("192.0.2.9", hop: 9)])

    @Test("How it is drawn, at several widths and in ASCII")
    func drawn() throws {
        let drawings = [
            ("rejected", Self.rejected), ("directions", Self.directions), ("long", Self.long), ("silent", Self.silent),
        ]
        var text = ""
        for (name, path) in drawings {
            for width in [80, 40] {
                text += "\(name), \(width) columns\n" + path.text(width: width) + "\n"
            }
            text += "\(name), ASCII, set in by 4\n" + path.text(indent: 4, drawing: .ascii) + "\n"
        }
        try expectGolden(text, "drawn-path")
    }

    @Test("The line of the first case")
    func firstCase() {
        #expect(
            Self.rejected.text(width: 100)
                == "you ── 10.1.0.2 ── [hop 2: sent the RST, 10.2.0.2] ── ? ── 10.4.0.2 (hop 4, closed)\n")
    }

    @Test("No line is longer than the width, unless a single stop is")
    func width() {
        let stops = Self.long.rows[0].stops.compactMap(\.name)
        for width in 1...100 {
            let text = Self.long.text(width: width)
            for line in text.split(separator: "\n") where line.count > width {
                #expect(stops.filter { line.contains($0) }.count <= 1)
            }
            // A stop is never cut.
            for stop in stops { #expect(text.contains(stop)) }
            #expect(text.contains("(hop 10, open, with a remark of some length)"))
        }
    }

    @Test("A mark, with as much as is known of the stop")
    func marks() {
        let stops: [(DrawnPath.Stop, String)] = [
            (.init("10.2.0.2", hop: 2, remark: "sent the RST", isMarked: true), "[hop 2: sent the RST, 10.2.0.2]"),
            (.init(nil, hop: 2, remark: "sent the RST", isMarked: true), "[hop 2: sent the RST]"),
            (.init("r1", remark: "sent the RST", isMarked: true), "[sent the RST, r1]"),
            (.init("r1", hop: 2, isMarked: true), "[hop 2: r1]"), (.init("r1", isMarked: true), "[r1]"),
            (.init("you", hop: 0, remark: "drops the SYN", isMarked: true), "[you: drops the SYN]"),
            (.init("you", hop: 0, isMarked: true), "[you]"),
        ]
        for (stop, text) in stops { #expect(DrawnPath([stop]).text() == text + "\n") }
    }

    @Test("Two unknown hops are two, three are drawn as one")
    func unknown() {
        func path(_ count: Int) -> String {
            DrawnPath([.you] + (1...count).map { .init(nil, hop: $0) } + [.init("h", hop: count + 1)]).text()
        }
        #expect(path(2) == "you ── ? ── ? ── h (hop 3)\n")
        #expect(path(3) == "you ── ? (hops 1 to 3) ── h (hop 4)\n")
    }

    @Test("A name commands no terminal")
    func controls() {
        let path = DrawnPath([.you, .init("a\u{1b}[2Jb\n\u{202e}c\u{9b}", remark: "\u{7f}é", link: .noted("\r"))])
        let text = path.text()
        #expect(text == "you ── a\\u{1b}[2Jb\\u{a}\\u{202e}c\\u{9b} (\\u{7f}é)\n")
        #expect(path.text(drawing: .ascii).utf8.allSatisfy { $0 == 10 || (0x20...0x7e).contains($0) })
        #expect(path.text(drawing: .ascii).contains("\\u{e9}"))
    }

    @Test("Colours mark what the drawing is about, and nothing else")
    func colours() {
        let text = Self.rejected.text(isColoured: true)
        #expect(text.contains("── \u{1b}[1;31m[hop 2: sent the RST, 10.2.0.2]\u{1b}[0m"))
        #expect(text.split(separator: "\u{1b}").count == 3)
        #expect(!Self.silent.text(isColoured: true).contains("\u{1b}"))
    }

    @Test("The locale decides between Unicode and ASCII")
    func locale() {
        #expect(LineDrawing(environment: ["LANG": "de_DE.UTF-8"]) == .unicode)
        #expect(LineDrawing(environment: ["LANG": "C.utf8"]) == .unicode)
        #expect(LineDrawing(environment: ["LANG": "de_DE.UTF-8@euro"]) == .unicode)
        #expect(LineDrawing(environment: ["LC_ALL": "", "LC_CTYPE": "en_GB.UTF-8", "LANG": "C"]) == .unicode)
        #expect(LineDrawing(environment: ["LC_ALL": "C", "LC_CTYPE": "en_GB.UTF-8"]) == .ascii)
        #expect(LineDrawing(environment: ["LANG": "de_DE.ISO-8859-1"]) == .ascii)
        #expect(LineDrawing(environment: ["LANG": "de_DE"]) == .ascii)
        #expect(LineDrawing(environment: [:]) == .ascii)
    }

    @Test("As JSON")
    func json() {
        var writer = JSONWriter()
        Self.directions.write(to: &writer)
        #expect(
            writer.text == #"{"rows":[{"label":"there","direction":"forward","stops":[{"name":"client"},"#
                + #"{"name":"R1","link":"ACK vanishes here","broken":true},{"name":"R2","link":"3 ms"},"#
                + #"{"name":"server"}]},{"label":"back","direction":"backward","#
                + #""stops":[{"name":"client"},{"name":"R2"},{"name":"server"}]}]}"#)
        writer = JSONWriter()
        Self.rejected.write(to: &writer)
        #expect(
            writer.text == #"{"rows":[{"stops":[{"hop":0,"name":"you"},{"hop":1,"name":"10.1.0.2"},"#
                + #"{"hop":2,"name":"10.2.0.2","remark":"sent the RST","marked":true},{"hop":3},"#
                + #"{"hop":4,"name":"10.4.0.2","remark":"closed"}]}]}"#)
    }
}
