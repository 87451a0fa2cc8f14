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
    private var entries = [Entry](repeating: .unknown, count: hops)

    mutating func learn(_ record: PacketRecord) {
        let hop = record.distance.hop
        guard hop > 0, hop < Self.hops else { return }
        switch entries[hop] {
        case .unknown: entries[hop] = .one(record.source)
        case .one(let known): if known != record.source { entries[hop] = .several }
        case .several: break
        }
    }

    /// The address of the only device that was heard from this hop.
    func address(atHop hop: Int) -> IPAddress? {
        guard hop > 0, hop < Self.hops, case .one(let address) = entries[hop] else { return nil }
        return address
    }
}
