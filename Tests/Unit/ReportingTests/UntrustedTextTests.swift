// SPDX-License-Identifier: Apache-2.0
import Diagnosis
@testable import Explanation
import Packets
import Testing

@testable import Reporting

@Suite("Text from elsewhere")
struct UntrustedTextTests {
    /// C0, DEL, C1, marks, embeddings, overrides and isolates of direction, separators, what has no width, tags.
    private static let unseen: [UInt32] = [
        0x00, 0x07, 0x08, 0x09, 0x0a, 0x0d, 0x1b, 0x7f, 0x80, 0x85, 0x90, 0x9b, 0x9d, 0x9f, 0xad, 0x061c, 0x200b,
        0x200e,
        0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0xfeff,
        0xe0041,
    ]

    private static func scalar(_ value: UInt32) throws -> Unicode.Scalar { try #require(Unicode.Scalar(value)) }

    @Test(arguments: unseen)
    func whatIsUnseenIsWrittenAsItsNumber(value: UInt32) throws {
        let scalar = try Self.scalar(value)
        let text = "a\(Character(scalar))b"
        let number = String(value, radix: 16)
        #expect(UntrustedText.printable(text) == "a\\u{\(number)}b")
        #expect(LineDrawing.unicode.printable(text) == "a\\u{\(number)}b")
        #expect(LineDrawing.ascii.printable(text) == "a\\u{\(number)}b")
        var json = JSONWriter()
        json.string(text)
        #expect(!json.text.unicodeScalars.contains(scalar))
        var csv = CSVWriter(["x"])
        csv.field(text)
        #expect(csv.text.contains("a\\u{\(number)}b"))
    }

    @Test func whatIsSeenStays() {
        for text in ["fw-dc1", "Zürich", "東京", "مرحبا", "🧱", "a b", "×", "", "\\u{1b}"] {
            #expect(UntrustedText.printable(text) == text)
        }
        #expect(LineDrawing.ascii.printable("é") == "\\u{e9}")
    }

    @Test func brokenUTF8AndLoneSurrogatesAreReplaced() throws {
        for bytes in [[0x61, 0xed, 0xa0, 0x80, 0x62], [0x61, 0xff, 0x62], [0x61, 0xc2], [0xf4, 0x90, 0x80, 0x80]]
            as [[UInt8]]
        {
            let text = UntrustedText.printable(String(decoding: bytes, as: UTF8.self))
            #expect(text.contains("\u{fffd}"))
            #expect(String(validating: text.utf8, as: UTF8.self) == text)
        }
        // From an agent: either nothing, or nothing that is no text.
        let line = JSONLines.line(try sampleFinding())
        for escape in [#"\ud800"#, #"\udc00"#, #"\ud800\ud800"#] {
            let read = JSONLines.decode(line.replacing("A device", with: escape))
            #expect(read.map { String(validating: $0.summary.utf8, as: UTF8.self) == $0.summary } ?? true)
        }
    }

    /// Everything that shows a finding that an agent, a file's name or a devices file had a say in.
    @Test func nothingShownCommandsTheTerminal() throws {
        let evil = String(String.UnicodeScalarView(try Self.unseen.map(Self.scalar)))
        var finding = try sampleFinding()
        finding.time = 1_767_225_600_000_000_000
        finding.told = Finding.Told(summary: "\u{1b}[2J\(evil)summary. \(evil)", advice: "\u{9b}2J\(evil)advice")
        finding.file = evil
        finding.names = [finding.fiveTuple.source: "x\(evil)"]
        finding.device = KnownDevice(name: "fw\(evil)")
        finding.device?.owner = evil
        finding.places.addresses = [finding.fiveTuple.destination: KnownDevice(name: evil)]
        finding.places.hops = [1: KnownDevice(name: evil)]
        finding.vantage = Finding.Vantage(host: evil, interface: evil, hook: evil, direction: evil)
        finding.reset?.originAddress = IPAddress("10.2.0.2")
        finding.evidence = [
            Evidence(name: evil, weight: 2, observed: evil, expected: evil, text: evil),
            Evidence(name: evil, weight: -1, text: evil), Evidence(name: "note", weight: 0, text: evil),
        ]
        var knowledge = Knowledge()
        knowledge.findings = [finding]
        var origin = Origin(
            id: evil, isThisMachine: false, hop: 2, initialTTL: 64, hasWindow: false, interface: evil,
            nextHopMAC: evil)
        origin.device = finding.device
        knowledge.origins = [origin]
        var path = PathSummary(
            network: finding.fiveTuple.source, length: 32, server: finding.fiveTuple.source, firstSeen: 1, lastSeen: 2)
        path.there = PathSummary.Way(interface: evil, from: evil, to: evil, connections: 1)
        knowledge.paths = [path]
        var top = TopState()
        (top.title, top.origins) = (evil, [origin])
        top.take(finding)
        let explanation = Explanation(.address(finding.fiveTuple.source), knowledge)
        for drawing in [LineDrawing.unicode, .ascii] {
            for width in [nil, 60] {
                let style = TableStyle(width: width, drawing: drawing)
                var report = TextReport(drawing: drawing)
                let texts = [
                    report.text(finding), report.summary(packets: 1), explanation.text(style: style), explanation.line,
                    ResetReport.text([finding], style: style), ResetReport.csv([finding]),
                    OriginReport.text([origin], style: style), OriginReport.csv([origin]), OriginReport.line(origin),
                    PathReport.text([path], style: style), PathReport.csv([path]), PathReport.line(path),
                    JSONLines.line(finding), top.frame(height: 30, now: 1, style: style).joined(separator: "\n"),
                ]
                for (number, text) in texts.enumerated() {
                    let bad = text.unicodeScalars.filter { $0 != "\n" && $0 != "\r" && UntrustedText.isUnseen($0) }
                    #expect(bad.isEmpty, "text \(number): \(text)")
                }
            }
        }
    }
}
