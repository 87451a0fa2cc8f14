// SPDX-License-Identifier: Apache-2.0

/// The formats that `/metrics` is written in.
package enum MetricsFormat: Sendable {
    /// Prometheus' text format 0.0.4.
    case text
    /// OpenMetrics 1.0, with exemplars.
    case openMetrics

    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// Returns the format that an `Accept` header (RFC 9110, 12.5.1) asks for: OpenMetrics if it is named, in version
    /// 1.0.0 or none, and no media type that text would match is preferred to it.
    package static func preferred(_ accept: String?) -> MetricsFormat {
        guard let accept else { return .text }
        var weights: [MetricsFormat: Double] = [:]
        for range in accept.prefix(4096).split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let type = parts.first else { continue }
            var weight = 1.0
            var version: String?
            for parameter in parts.dropFirst() {
                if parameter.hasPrefix("q=") { weight = Double(parameter.dropFirst(2)) ?? 0 }
                if parameter.hasPrefix("version=") { version = parameter.dropFirst(8).filter { $0 != "\"" } }
            }
            switch type {
            case "application/openmetrics-text" where version == nil || version == "1.0.0":
                weights[.openMetrics] = max(weight, weights[.openMetrics] ?? 0)
            case "text/plain", "text/*", "*/*":
                weights[.text] = max(weight, weights[.text] ?? 0)
            default: break
            }
        }
        guard let open = weights[.openMetrics], open > 0 else { return .text }
        return open >= weights[.text] ?? 0 ? .openMetrics : .text
    }
}
