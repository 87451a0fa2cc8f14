// SPDX-License-Identifier: Apache-2.0

/// Writes Prometheus' text format 0.0.4 (prometheus.io, "Exposition formats").
struct MetricsWriter {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""
    private var name = ""

    /// Begins a metric; the samples that follow belong to it.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ labels: [(String, String)], _ value: UInt64) {
        line(name, labels, String(value))
    }

    mutating func sample(_ labels: [(String, String)], _ value: Double) {
        line(name, labels, Self.number(value))
    }

    mutating func histogram(_ histogram: Histogram) {
        var cumulative: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            cumulative += count
            line("\(name)_bucket", [("le", Self.number(bound))], String(cumulative))
        }
        line("\(name)_bucket", [("le", "+Inf")], String(histogram.count))
        line("\(name)_sum", [], Self.number(histogram.sum))
        line("\(name)_count", [], String(histogram.count))
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            text += labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
            text += "}"
        }
        text += " \(value)\n"
    }

    /// At most six digits behind the point, none where the number is whole.
    private static func number(_ value: Double) -> String {
        let text = DecimalText.format(value, digits: 6)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
