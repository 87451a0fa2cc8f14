// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Which address sits at which hop, learned from ICMP errors: a device that says "time exceeded" or "unreachable" signs with
/// its own address. Fixed size: 64 hops.
struct HopAddresses: Sendable {
    private enum Entry: Sendable {
        case unknown
        case one(IPAddress)
        /// Several devices are at this hop, on several paths.
        case several
    }

    private static let hops = 64
    /// By hop, IPv4 and then IPv6: a device signs with another address in each.
    private var entries = [Entry](repeating: .unknown, count: 2 * hops)

    private static func index(hop: Int, isIPv6: Bool) -> Int? {
        hop > 0 && hop < hops ? (isIPv6 ? hops + hop : hop) : nil
    }

    mutating func learn(_ record: PacketRecord) {
        guard let index = Self.index(hop: record.distance.hop, isIPv6: record.isIPv6) else { return }
        switch entries[index] {
        case .unknown: entries[index] = .one(record.source)
        case .one(let known): if known != record.source { entries[index] = .several }
        case .several: break
        }
    }

    /// The address of the only device that was heard from this hop.
    func address(atHop hop: Int, isIPv6: Bool) -> IPAddress? {
        guard let index = Self.index(hop: hop, isIPv6: isIPv6), case .one(let address) = entries[index] else {
            return nil
        }
        return address
    }
}
