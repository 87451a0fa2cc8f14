// SPDX-License-Identifier: Apache-2.0

/// Writes Prometheus' text format 0.0.4 (prometheus.io, "Exposition formats") or OpenMetrics 1.0 (openmetrics.io, the
/// specification's "Text format"), which differ in the names of counters' families, the numbers of buckets, exemplars
/// and the end.
struct MetricsWriter {
    enum Kind: String {
        case counter, gauge, histogram
    }

    let format: MetricsFormat
    private var written = ""
    private var name = ""

    init(_ format: MetricsFormat) {
        self.format = format
    }

    /// The exposition.
    var text: String { format == .openMetrics ? written + "# EOF\n" : written }

    /// Begins a metric; the samples that follow belong to it.
    ///
    /// A counter's name ends with `_total`.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        let isOpen = format == .openMetrics
        let family = isOpen && kind == .counter && name.hasSuffix("_total") ? String(name.dropLast(6)) : name
        written += "# HELP \(family) \(isOpen ? Self.escaped(help) : help)\n# TYPE \(family) \(kind.rawValue)\n"
    }

    mutating func sample(_ labels: [(String, String)], _ value: UInt64, _ exemplar: Exemplar? = nil) {
        line(name, labels, String(value), exemplar)
    }

    mutating func sample(_ labels: [(String, String)], _ value: Double) {
        line(name, labels, Self.number(value))
    }

    mutating func histogram(_ histogram: Histogram) {
        var cumulative: UInt64 = 0
        for (index, bound) in histogram.bounds.enumerated() {
            cumulative += histogram.counts[index]
            line("\(name)_bucket", [("le", bucket(bound))], String(cumulative), histogram.exemplars[index])
        }
        line("\(name)_bucket", [("le", "+Inf")], String(histogram.count), histogram.exemplars[histogram.bounds.count])
        line("\(name)_sum", [], Self.number(histogram.sum))
        line("\(name)_count", [], String(histogram.count))
    }

    private mutating func line(
        _ name: String, _ labels: [(String, String)], _ value: String, _ exemplar: Exemplar? = nil
    ) {
        written += name
        if !labels.isEmpty {
            written += "{"
            written += labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
            written += "}"
        }
        written += " \(value)"
        if format == .openMetrics, let exemplar { written += " \(Self.text(exemplar))" }
        written += "\n"
    }

    private static func text(_ exemplar: Exemplar) -> String {
        let text = "# {finding_id=\"\(escaped(exemplar.finding))\"} \(number(exemplar.value))"
        guard let time = exemplar.time else { return text }
        let fraction = String(time % 1_000_000_000)
        return "\(text) \(time / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.count))\(fraction)"
    }

    /// OpenMetrics wants a bound to look like a float.
    private func bucket(_ bound: Double) -> String {
        let text = Self.number(bound)
        return format == .openMetrics && !text.contains(".") ? text + ".0" : text
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
