// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// The ledger of all interfaces together, as in `/api/v1/ledger`.
package struct LedgerTotals: Sendable, Equatable {
    package var seen: UInt64
    package var recorded: UInt64
    package var refused: UInt64
    package var lost: UInt64
    /// Not recorded to save work, by class: `bulk`, `handshake`.
    package var shed: [String: UInt64]
    /// Recorded, by class.
    package var classes: [String: UInt64]
    package var inRing: UInt64
    package var isBalanced: Bool

    /// Reads the agent's answer.
    ///
    /// `nil` where it is none.
    package init?(decoding json: [UInt8]) {
        guard let wire = try? JSONDecoder().decode(Wire.self, from: Data(json)) else { return nil }
        seen = wire.total.seen
        recorded = Self.sum(wire.total.recorded)
        refused = Self.sum(wire.total.refused)
        lost = wire.total.lost.values.reduce(0) { $0 &+ Self.sum($1) }
        shed = wire.total.shed ?? [:]
        classes = wire.total.recorded
        inRing = wire.in_ring
        isBalanced = wire.balanced
    }

    /// Of so many packets of a class one is recorded, between an earlier moment and this one; `nil` where nothing was
    /// shed.
    func shedding(of name: String, since earlier: LedgerTotals) -> UInt64? {
        let left = (shed[name] ?? 0) &- (earlier.shed[name] ?? 0)
        let kept = (classes[name] ?? 0) &- (earlier.classes[name] ?? 0)
        guard left > 0, left < 1 << 48, kept < 1 << 48 else { return nil }
        return (left + kept) / max(kept, 1)
    }

    private static func sum(_ counts: [String: UInt64]) -> UInt64 { counts.values.reduce(0, &+) }

    private struct Wire: Decodable {
        struct Count: Decodable {
            var seen: UInt64
            var recorded: [String: UInt64]
            var refused: [String: UInt64]
            var lost: [String: [String: UInt64]]
            var shed: [String: UInt64]?
        }

        var total: Count
        var in_ring: UInt64
        var balanced: Bool
    }
}
