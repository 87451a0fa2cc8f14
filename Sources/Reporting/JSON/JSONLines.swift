// SPDX-License-Identifier: Apache-2.0
package import Diagnosis

/// Findings as JSON Lines: one object a line, the field names and closed sets of the JSON contract, fields always in
/// the same order.
package enum JSONLines {
    /// Bytes that most lines fit into.
    private static let usualLength = 2048

    /// `finding` as one line, its line feed included.
    package static func line(_ finding: Finding) -> String {
        var writer = JSONWriter(capacity: usualLength)
        write(finding, to: &writer)
        writer.endLine()
        return writer.text
    }

    /// `finding` as an object, for a line or as an element of a list.
    package static func write(_ finding: Finding, to writer: inout JSONWriter) {
        let subject = FindingSchema.Subject(told: finding)
        writer.object { json in FindingSchema.fields(of: finding.kind).write(subject, to: &json) }
    }
}
