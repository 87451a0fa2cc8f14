// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Reporting

/// A line that stands among records and says which of them are missing: a store writes it with its answer.
package struct FleetSourceNote: Sendable, Equatable {
    /// The value of the member `record`, which no record has.
    private static let name = "source"

    /// The parts of the store that were asked.
    package var asked: Int
    /// Those that did not answer, each with its reason.
    package var missing: [String]
    /// True where there were more records than an answer may have.
    package var isCut: Bool

    package init(asked: Int, missing: [String] = [], isCut: Bool = false) {
        self.asked = asked
        self.missing = missing
        self.isCut = isCut
    }

    /// True where a record that is not there may have been left out.
    package var isPartial: Bool { !missing.isEmpty || isCut }

    /// The note as one line of JSON, its line feed included.
    package var line: String { line(member: "record", Self.name) }

    /// The note among the lines of an answer in JSON.
    package var answerLine: String { line(member: "kind", "fleet_source") }

    private func line(member: String, _ name: String) -> String {
        var writer = JSONWriter()
        writer.object { json in
            json.member(member, name)
            json.member("asked", asked)
            json.member("missing") { json in json.array { json in for text in missing { json.string(text) } } }
            json.member("cut", isCut ? 1 : 0)
        }
        writer.endLine()
        return writer.text
    }

    /// Sentences for the beginning of an answer; empty where nothing is missing.
    package var text: String {
        var text = ""
        if !missing.isEmpty {
            text +=
                "\(missing.count) of \(asked) \(asked == 1 ? "server" : "servers") of the store did not answer: "
                + missing.joined(separator: "; ") + ".\n"
        }
        if isCut { text += "There are more records than --max-records; the oldest are left out.\n" }
        if isPartial { text += "Records are missing: what no agent seems to have seen proves nothing.\n" }
        return text
    }

    /// Reads a line; `nil` where it is no note.
    static func decode(_ line: some StringProtocol) -> FleetSourceNote? {
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(line.utf8)), wire.record == name else {
            return nil
        }
        return FleetSourceNote(
            asked: max(0, wire.asked ?? 0), missing: Array((wire.missing ?? []).prefix(1000)), isCut: wire.cut == 1)
    }

    private struct Wire: Decodable {
        var record: String
        var asked: Int?
        var missing: [String]?
        var cut: Int?
    }
}
