// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// What ICMP errors and redirects tell.
extension Engine {
    mutating func observeICMPError(_ packet: ObservedPacket) {
        hopAddresses.learn(packet.record)
        guard let message = ICMPMessage(packet) else { return }
        if message.kind == .redirect {
            redirects.learn(message, isFlowSeen: isSeen(message.quote), now: now)
        }
    }

    /// True where the quoted flow was seen, in the quoted direction.
    private func isSeen(_ quote: QuotedPacket) -> Bool {
        guard let tuple = quote.fiveTuple else { return false }
        let (key, sourceIsHigh) = FlowKey.of(tuple)
        guard let flow = flows.find(key) else { return false }
        let side = sourceIsHigh ? flow.pointee.high : flow.pointee.low
        return side.packets > 0 || side.sentSYN
    }
}
