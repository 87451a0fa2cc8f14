// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Echoes and datagrams that one point saw under addresses which no other point has, while another point saw such
/// packets of one of the same ends under addresses that the first has not: a translator between the two most likely
/// changed them.
///
/// They are not followed, and not missing either.
struct TranslatedDatagrams {
    private struct End: Hashable {
        var point: Int
        var transport: TransportProtocol
        var address: IPAddress
        var isSource: Bool
    }

    private let judge: ComparisonJudge
    /// Ends of packets that one point only saw.
    private var ends: Set<End> = []
    /// By conversation: seen by one point only.
    private var lonely: [UInt32: UInt32] = [:]

    init(_ judge: ComparisonJudge) {
        self.judge = judge
        for point in judge.captures.indices {
            for direction in judge.conversations.ofFlow[point] {
                lonely[direction >> 1, default: 0] |= 1 << UInt32(point)
            }
        }
        // Only those count that no other point shares.
        for (point, capture) in judge.captures.enumerated() {
            for flow in capture.flows.indices where capture.flows[flow].key.transport != .tcp {
                let direction = judge.conversations.ofFlow[point][flow]
                guard isLonely(direction) else { continue }
                for tuple in [
                    judge.conversations.fiveTuple(of: direction), judge.conversations.fiveTuple(of: direction ^ 1),
                ] {
                    ends.insert(End(point: point, transport: tuple.transport, address: tuple.source, isSource: true))
                    ends.insert(
                        End(point: point, transport: tuple.transport, address: tuple.destination, isSource: false))
                }
            }
        }
    }

    private func isLonely(_ direction: UInt32) -> Bool {
        lonely[direction >> 1].map { $0.nonzeroBitCount == 1 } ?? false
    }

    /// True for a packet that one point saw and another should have, where that has its counterpart.
    func contains(_ row: UInt32, seenAt point: UInt8, not other: UInt8) -> Bool {
        guard !ends.isEmpty, let packet = judge.packet(Int(row), at: Int(point)), !packet.kind.isTCP,
            packet.kind != .icmp
        else { return false }
        let direction = judge.conversations.direction(of: packet, in: Int(point))
        guard isLonely(direction) else { return false }
        let tuple = judge.conversations.fiveTuple(of: direction)
        return ends.contains(
            End(point: Int(other), transport: tuple.transport, address: tuple.source, isSource: true))
            || ends.contains(
                End(point: Int(other), transport: tuple.transport, address: tuple.destination, isSource: false))
    }
}
