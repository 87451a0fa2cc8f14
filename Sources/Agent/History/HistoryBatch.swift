// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

/// Findings on their way into the history: grouped, and cut into pieces that one transaction can take.
struct HistoryBatch {
    /// A finding as it is stored.
    struct Row: Sendable {
        var finding: Finding
        /// As a line of JSON, without its line feed.
        var line: String

        /// Bytes that it takes in the file, with its part of the indices; more rather than less.
        var bytes: Int { line.utf8.count * 5 / 4 + 512 }
    }

    private struct Key: Hashable {
        var source: IPAddress
        var sender: Finding.Sender
        var cause: Finding.Cause
        var hop: Int?
    }

    /// The findings to store: resets without a connection that one host sent in a row are one, with their number as its
    /// count.
    ///
    /// Such resets are what floods of forged packets draw from hosts that have no part in them. Whatever has a
    /// connection, or accuses somebody, stays by itself.
    static func grouped(_ findings: [Finding]) -> [Finding] {
        var places: [Key: Int] = [:]
        var result: [Finding] = []
        result.reserveCapacity(findings.count)
        for finding in findings {
            guard let reset = finding.reset, finding.revision == 0, reset.stage == .none, !reset.sender.isForeign
            else {
                result.append(finding)
                continue
            }
            let key = Key(source: finding.fiveTuple.source, sender: reset.sender, cause: reset.cause, hop: reset.hop)
            if let place = places[key] {
                result[place].count += finding.count
            } else {
                places[key] = result.count
                result.append(finding)
            }
        }
        return result
    }

    /// The next findings of a slice, at least one, of `bytes` at most where there are several.
    static func next(_ findings: inout ArraySlice<Finding>, bytes: Int) -> [Row] {
        var rows: [Row] = []
        var sum = 0
        while let finding = findings.first {
            let row = Row(finding: finding, line: String(JSONLines.line(finding).dropLast()))
            if !rows.isEmpty, sum + row.bytes > bytes { break }
            sum += row.bytes
            rows.append(row)
            findings.removeFirst()
        }
        return rows
    }
}
