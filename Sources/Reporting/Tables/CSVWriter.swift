// SPDX-License-Identifier: Apache-2.0

/// Rows of comma-separated values (RFC 4180): CRLF at the end of each, quotes where a field needs them.
///
/// Text that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`, a tab or a carriage return in front) gets an
/// apostrophe before it: names come from files and from other machines. What `UntrustedText` does not let through is
/// written as it says; RFC 4180 has no control characters but line ends.
package struct CSVWriter {
    package private(set) var text = ""
    private var isFirst = true

    /// - Parameter header: the names of the columns.
    package init(_ header: [String]) {
        for name in header { field(name) }
        endRow()
    }

    /// Adds a field with text; `nil` is empty.
    package mutating func field(_ value: String?) {
        var value = value ?? ""
        if let first = value.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) { value = "'" + value }
        add(UntrustedText.printable(value))
    }

    /// Adds a field with a number; `nil` is empty.
    package mutating func field(_ value: (some FixedWidthInteger)?) {
        add(value.map { String($0) } ?? "")
    }

    /// Adds a field with a decimal number of at most `digits` digits behind the point.
    package mutating func field(_ value: Double?, digits: Int) {
        add(value.flatMap { $0.isFinite ? DecimalText.format($0, digits: digits) : nil } ?? "")
    }

    package mutating func field(_ value: Bool) {
        add(value ? "true" : "false")
    }

    package mutating func endRow() {
        text += "\r\n"
        isFirst = true
    }

    private mutating func add(_ value: String) {
        if !isFirst { text += "," }
        isFirst = false
        let needsQuotes = value.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
        text += needsQuotes ? "\"" + value.replacing("\"", with: "\"\"") + "\"" : value
    }
}
