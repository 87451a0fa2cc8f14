// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Reporting

@Suite("Tables and CSV")
struct TableTests {
    private func table(_ drawing: LineDrawing = .unicode) -> Table {
        var table = Table(
            [
                .init("NAME"), .init("COUNT", isRight: true, rank: 1), .init("REMARK", least: 6, rank: 2),
                .init("EMPTY", rank: 3),
            ], drawing: drawing)
        table.add(["10.4.0.2", "7", "several distances", ""])
        table.add(["10.4.0.20", "12345", "", ""])
        return table
    }

    @Test func withoutATerminalNothingIsCut() {
        #expect(
            table().text(width: nil) == """
                NAME       COUNT  REMARK
                10.4.0.2       7  several distances
                10.4.0.20  12345

                """)
    }

    @Test func whatDoesNotFitIsCutFirst() {
        let lines = table().text(width: 30).split(separator: "\n")
        #expect(lines[1] == "10.4.0.2       7  several dis…")
        #expect(lines.allSatisfy { $0.count <= 30 })
        #expect(lines.count == 3)
    }

    @Test func thenTheLeastImportantIsLeftOut() {
        let lines = table(.ascii).text(width: 20).split(separator: "\n")
        #expect(lines[1] == "10.4.0.2       7")
        #expect(lines.last == "(20 columns have no room for REMARK: add | less -S)")
        // What is never left out may exceed the terminal.
        #expect(table().text(width: 3).split(separator: "\n")[1] == "10.4.0.2")
    }

    @Test func cellsCommandNoTerminal() {
        var table = Table([.init("NAME")])
        table.add(["a\u{1b}[2Jb\nc"])
        #expect(table.text(width: nil) == "NAME\na\\u{1b}[2Jb\\u{a}c\n")
    }

    @Test func fieldsAreQuotedWhereTheyMust() {
        var csv = CSVWriter(["a", "b"])
        csv.field("plain")
        csv.field("comma, \"quote\"\r\nline")
        csv.endRow()
        #expect(csv.text == "a,b\r\nplain,\"comma, \"\"quote\"\"\\u{d}\\u{a}line\"\r\n")
    }

    @Test(arguments: ["=1+1", "+1", "-1", "@x", "\tx"])
    func aFieldIsNoFormula(text: String) {
        var csv = CSVWriter([])
        csv.field(text)
        csv.field(-1)
        csv.field(0.5, digits: 2)
        csv.field(nil as Int?)
        #expect(csv.text == "\r\n'\(UntrustedText.printable(text)),-1,0.5,")
    }

    @Test func linesAreWrappedBetweenWords() {
        #expect(TextLayout.wrapped("  one two three", width: 9) == "  one two\n  three\n")
        #expect(TextLayout.wrapped("one two three", width: 8, hanging: 4) == "one two\n    three\n")
        #expect(TextLayout.wrapped("one two three", width: nil) == "one two three\n")
        #expect(TextLayout.wrapped("incomprehensibilities", width: 5) == "incomprehensibilities\n")
    }
}
