// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The address at each hop, learned from the ICMP errors of devices on the path, which carry the device's own address.
///
/// Fixed size: 64 hops of each IP version.
struct HopAddresses: Sendable {
    private enum Entry: Sendable {
        case unknown
        case one(IPAddress)
        /// Several devices are at this hop, on several paths.
        case several
    }

    private static let hops = 64
    /// By hop, IPv4 and then IPv6: a device signs with another address in each.
    private var entries = [Entry](repeating: .unknown, count: hops * 2)

    /// Learns from an ICMP error or redirect about a packet that was seen here; what a host says of its own ports and
    /// protocols tells nothing of a device.
    ///
    /// - `quotedDestination`: Of the packet that it quotes.
    mutating func learn(_ record: PacketRecord, quotedDestination: IPAddress) {
        guard record.hasTTL, Self.isOfDevice(record, quotedDestination),
            let place = Self.place(hop: record.distance.hop, isIPv6: record.isIPv6)
        else {
            return
        }
        switch entries[place] {
        case .unknown: entries[place] = .one(record.source)
        case .one(let known): if known != record.source { entries[place] = .several }
        case .several: break
        }
    }

    /// The address of the only device that was heard from this hop.
    func address(atHop hop: Int, isIPv6: Bool) -> IPAddress? {
        guard let place = Self.place(hop: hop, isIPv6: isIPv6), case .one(let address) = entries[place] else {
            return nil
        }
        return address
    }

    private static func place(hop: Int, isIPv6: Bool) -> Int? {
        hop > 0 && hop < hops ? hop + (isIPv6 ? hops : 0) : nil
    }

    /// RFC 792 and RFC 4443: time exceeded, redirect and packet too big come from devices on the path only.
    ///
    /// Unreachables come from hosts too; a refusal by policy (RFC 1812, 5.2.7.1; RFC 4443, 3.1) in another name than
    /// the destination's is a filter's.
    private static func isOfDevice(_ record: PacketRecord, _ quotedDestination: IPAddress) -> Bool {
        switch (record.transport, record.icmpType, record.icmpCode) {
        case (.icmp, 11, _), (.icmp, 5, _), (.icmpv6, 2, _), (.icmpv6, 3, _), (.icmpv6, 137, _): true
        case (.icmp, 3, 9), (.icmp, 3, 10), (.icmp, 3, 13), (.icmpv6, 1, 1), (.icmpv6, 1, 5), (.icmpv6, 1, 6):
            record.source != quotedDestination
        default: false
        }
    }
}
