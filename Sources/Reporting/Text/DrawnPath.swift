// SPDX-License-Identifier: Apache-2.0

/// A path of packets as one draws it on paper.
///
///     you ── 10.1.0.2 ── [hop 2: sent the RST, 10.2.0.2] ── ? ── 10.4.0.2 (hop 4, closed)
///
/// A row for each way that is told apart: usually one, two where the directions differ.
package struct DrawnPath: Sendable, Equatable {
    package var rows: [Row]

    package init(rows: [Row]) {
        self.rows = rows
    }

    /// A path of one row.
    package init(_ stops: [Stop]) {
        rows = [Row(stops: stops)]
    }

    /// One way, from left to right as it is drawn.
    package struct Row: Sendable, Equatable {
        /// The label of the row, for example `there`; drawn in front of it with a colon.
        package var label: String?
        package var direction: Direction
        package var stops: [Stop]

        package init(label: String? = nil, direction: Direction = .none, stops: [Stop]) {
            self.label = label
            self.direction = direction
            self.stops = stops
        }
    }

    /// The direction of a row's packets.
    package enum Direction: String, Sendable, Equatable {
        /// Both ways, or it does not matter: `──`.
        case none
        /// From left to right: `─►`.
        case forward
        /// From right to left: `◄─`.
        case backward
    }

    /// A machine, a device or a capture point.
    package struct Stop: Sendable, Equatable {
        /// 0 for this machine, 1 for the neighbour; `nil` where it is not known or means nothing.
        package var hop: Int?
        /// An address or a name; `nil` is drawn as `?`.
        package var name: String?
        /// The remark about it, for example `sent the RST`, or `closed`.
        package var remark: String?
        /// Whether the stop is the subject of the drawing, shown in brackets.
        package var isMarked: Bool
        /// The link to the next stop of the row.
        ///
        /// Nothing is drawn behind the last one.
        package var link: Link

        package init(
            _ name: String?, hop: Int? = nil, remark: String? = nil, isMarked: Bool = false, link: Link = .plain
        ) {
            self.name = name
            self.hop = hop
            self.remark = remark
            self.isMarked = isMarked
            self.link = link
        }

        /// The machine that speaks.
        package static let you = Stop("you", hop: 0)
    }

    /// The link between two stops.
    package enum Link: Sendable, Equatable {
        case plain
        /// With a note, for example `23 ms`: `──23 ms──`.
        case noted(String)
        /// Something does not pass here: `──✗ ACK vanishes here──`.
        case broken(String)
    }
}

extension DrawnPath {
    /// `{"rows":[{"label":…,"direction":…,"stops":[{"hop":…,"name":…,"remark":…,"marked":…,"link":…,"broken":…}]}]}`;
    /// `link` is the note on the link to the next stop.
    package func write(to writer: inout JSONWriter) {
        writer.object { json in
            json.member("rows") { json in
                json.array { json in
                    for row in rows { Self.write(row, to: &json) }
                }
            }
        }
    }

    private static func write(_ row: Row, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("label", row.label)
            json.member("direction", row.direction == .none ? nil : row.direction.rawValue)
            json.member("stops") { json in
                json.array { json in
                    for stop in row.stops { write(stop, to: &json) }
                }
            }
        }
    }

    private static func write(_ stop: Stop, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("hop", stop.hop)
            json.member("name", stop.name)
            json.member("remark", stop.remark)
            json.member("marked", stop.isMarked ? true : nil)
            switch stop.link {
            case .plain: break
            case .noted(let note): json.member("link", note)
            case .broken(let note):
                json.member("link", note)
                json.member("broken", true)
            }
        }
    }
}
