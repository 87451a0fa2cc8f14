// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

extension ComparisonReport {
    /// The comparison as JSON Lines: an object for each point, each order of points and each leg, then the findings.
    package static func lines(_ comparison: Comparison) -> String {
        var writer = JSONWriter()
        for point in comparison.points {
            write(point, of: comparison, to: &writer)
            writer.endLine()
        }
        for route in comparison.routes {
            write(route, of: comparison, to: &writer)
            writer.endLine()
        }
        for leg in comparison.legs {
            write(leg, of: comparison, to: &writer)
            writer.endLine()
        }
        return writer.text + comparison.findings.map(JSONLines.line).joined()
    }

    private static func write(
        _ point: Comparison.Point, of comparison: Comparison, to writer: inout JSONWriter
    ) {
        writer.object { json in
            json.member("kind", "point")
            json.member("name", point.name)
            json.member("packets", point.packets)
            json.member("shared", point.shared)
            json.member("missed", point.missed)
            json.member("local", point.local > 0 ? point.local : nil)
            json.member("first_seen", point.firstTime.map(Timestamp.text))
            json.member("last_seen", point.lastTime.map(Timestamp.text))
            guard let clock = point.clock, let reference = point.reference else { return }
            json.member("clock") { json in
                json.object { json in
                    json.member("reference", comparison.points[reference].name)
                    json.member("offset_seconds") { $0.raw(DecimalText.nanoseconds(clock.offset)) }
                    json.member("drift_ppm", clock.drift * 1e6, digits: 3)
                    json.member("packets", clock.samples)
                    json.member("separable", clock.isSeparable)
                }
            }
        }
    }

    private static func write(
        _ route: Comparison.Route, of comparison: Comparison, to writer: inout JSONWriter
    ) {
        writer.object { json in
            json.member("kind", "route")
            json.member("points") { json in
                json.array { json in for point in route.points { json.string(comparison.points[point].name) } }
            }
            json.member("routers") { json in
                json.array { json in for hops in route.hops { json.raw("\(hops)") } }
            }
            json.member("direction", route.isFromClient.map { $0 ? "client_to_server" : "server_to_client" })
            json.member("src", route.source.description)
            json.member("dst", route.destination.description)
            json.member("pairs", route.pairs)
            json.member("packets", route.packets)
        }
    }

    private static func write(_ leg: Comparison.Leg, of comparison: Comparison, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("kind", "leg")
            json.member("from", comparison.points[leg.from].name)
            json.member("to", comparison.points[leg.to].name)
            json.member("passed") { write(leg.passed, to: &$0) }
            json.member("vanished") { write(leg.vanished, to: &$0) }
            json.member("appeared") { write(leg.appeared, to: &$0) }
            json.member("resegmented", leg.resegmented)
            json.member("outside", leg.outside)
            json.member("unfollowed", leg.unfollowed > 0 ? leg.unfollowed : nil)
            json.member("rewritten") { json in
                json.array { json in for rewrite in leg.rewritten { write(rewrite, to: &json) } }
            }
            guard let delay = leg.delay else { return }
            json.member("delay") { json in
                json.object { json in
                    json.member("min_seconds") { $0.raw(DecimalText.nanoseconds(delay.smallest)) }
                    json.member("median_seconds") { $0.raw(DecimalText.nanoseconds(delay.median)) }
                    json.member("p99_seconds") { $0.raw(DecimalText.nanoseconds(delay.high)) }
                    json.member("packets", delay.samples)
                    json.member("absolute", delay.isAbsolute)
                }
            }
        }
    }

    private static func write(_ rewrite: Comparison.Rewrite, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("field", rewrite.field.rawValue)
            switch rewrite.field {
            case .ttl, .sequence: json.member("change", rewrite.to)
            case .identification: break
            default:
                json.member("from", rewrite.from)
                json.member("to", rewrite.to)
            }
            json.member("count", rewrite.count)
            json.member("others", rewrite.others)
        }
    }

    /// `{"total":3,"syn":1,"ack":2}`.
    static func write(_ tally: Comparison.Tally, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("total", tally.total)
            for (kind, count) in tally.kinds { json.member(kind.label, count) }
        }
    }
}
