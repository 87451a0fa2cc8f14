// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Compares `text` with the file `Golden/NAME.txt` beside the tests.
///
/// With `RSTWHO_RECORD` set the file is written instead, and the test fails: what was recorded is to be read before it
/// is believed.
func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).txt")
    if ProcessInfo.processInfo.environment["RSTWHO_RECORD"] != nil {
        try text.write(to: file, atomically: true, encoding: .utf8)
        Issue.record("recorded \(name).txt: read it, then run without RSTWHO_RECORD", sourceLocation: sourceLocation)
        return
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    guard text != expected else { return }
    let got = text.split(separator: "\n", omittingEmptySubsequences: false)
    let wanted = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(got, wanted).enumerated().first { $0.element.0 != $0.element.1 }
    Issue.record(
        """
        \(name).txt differs\(line.map { " in line \($0.offset + 1):\n  is:   \($0.element.0)\n  was:  \($0.element.1)" } ?? " in length")
        Record anew with RSTWHO_RECORD=1 if this is wanted.
        """, sourceLocation: sourceLocation)
}
