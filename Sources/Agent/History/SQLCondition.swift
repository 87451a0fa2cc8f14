// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import FoundationEssentials
internal import GRDB
internal import Packets
internal import Reporting

/// The condition on a row: comparisons joined by AND, with values apart from the text.
struct SQLCondition {
    private var parts: [String] = []
    private(set) var arguments = StatementArguments()

    /// For use behind WHERE.
    var text: String { parts.isEmpty ? "1" : parts.joined(separator: " AND ") }

    mutating func add(_ part: String, _ values: (any DatabaseValueConvertible)...) {
        parts.append(part)
        arguments += StatementArguments(values)
    }

    /// One of two columns has an address of the prefix.
    mutating func add(_ prefix: IPPrefix, in first: String, _ second: String) {
        let (low, high) = (prefix.bounds.lowerBound.data, prefix.bounds.upperBound.data)
        add("(\(first) BETWEEN ? AND ? OR \(second) BETWEEN ? AND ?)", low, high, low, high)
    }
}

extension FindingQuery {
    /// The SQL condition on `findings` that is equivalent to `matches`.
    var sql: SQLCondition {
        var condition = SQLCondition()
        if let sinceTime { condition.add("time > ?", Int64(clamping: sinceTime)) }
        if let untilTime { condition.add("time <= ?", Int64(clamping: untilTime)) }
        for field in FindingSchema.filters {
            if let value = values[field.name] { condition.add("\(field.name) = ?", value.column) }
        }
        if let address { condition.add("(src = ? OR dst = ?)", address.data, address.data) }
        if let port { condition.add("(src_port = ? OR dst_port = ?)", Int(port), Int(port)) }
        if let prefix { condition.add(prefix, in: "src", "dst") }
        return condition
    }
}
