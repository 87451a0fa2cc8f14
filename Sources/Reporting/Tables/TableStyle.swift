// SPDX-License-Identifier: Apache-2.0

/// The appearance of tables and explanations.
package struct TableStyle: Sendable {
    /// Columns of the terminal; `nil` where it is none: nothing is cut then.
    package var width: Int?
    package var drawing: LineDrawing
    package var isColoured: Bool
    package var clock: TimeZoneClock
    /// The form of addresses.
    ///
    /// It comes before anything is cut: a part of an address could tell more than it is to.
    package var privacy: AddressPrivacy

    package init(
        width: Int? = nil, drawing: LineDrawing = .unicode, isColoured: Bool = false, clock: TimeZoneClock = .utc,
        privacy: AddressPrivacy = AddressPrivacy(.full)
    ) {
        self.width = width
        self.drawing = drawing
        self.isColoured = isColoured
        self.clock = clock
        self.privacy = privacy
    }

    /// True where there is no room for what goes without saying.
    var isNarrow: Bool { width.map { $0 < 100 } ?? false }

    /// A wall-clock time to the second; `-` where there is none.
    func time(_ time: UInt64?, hasFraction: Bool = false) -> String {
        time.map { $0 == 0 ? "-" : clock.text($0, hasFraction: hasFraction) } ?? "-"
    }

    /// A wall-clock time with the zone's letters.
    package func zonedTime(_ time: UInt64) -> String {
        [clock.text(time), clock.name(at: time)].filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// A column's title with the zone of its times, where that is not UTC.
    package func title(_ title: String) -> String { clock == .utc ? title : "\(title) (local)" }
}
