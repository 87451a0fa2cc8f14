// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

extension ParsedFrame: CustomStringConvertible {
    /// One line for tables of expectations, for example `tcp 10.4.0.2:22 > 10.1.0.1:50992 ttl 63 reset payload 0 at 14
    /// 34 end 54`.
    ///
    /// `at` gives the offsets of the IP and the L4 header and `quote` that of a quoted IP header; they are present
    /// where the packet has a snapshot.
    package var description: String {
        switch self {
        case .refused(let reason):
            return "refused: \(Self.names[Int(reason.rawValue)])"
        case .parsed(let record, let snapshot):
            let tuple = record.fiveTuple
            var text = "\(tuple.transport) \(tuple.source):\(tuple.sourcePort) > "
            text += "\(tuple.destination):\(tuple.destinationPort) ttl \(record.ttl) \(record.packetClass)"
            text += " payload \(record.payload_length)"
            if record.isFirstFragment { text += " fragment" }
            if record.tunnel != .none { text += " in \(record.tunnel)" }
            if let snapshot {
                text += " at \(snapshot.network_offset) \(snapshot.transport_offset)"
                if snapshot.quote_offset != 0 {
                    text += " quote \(snapshot.quote_offset) \(record.ack >> 16):\(record.ack & 0xffff)"
                }
                text += " end \(snapshot.length)"
            }
            return text
        }
    }

    /// The reasons of `enum packet_refusal`, in its order.
    private static let names = [
        "parsed", "not IP", "truncated link", "truncated IP", "truncated transport", "bad version", "bad IHL",
        "bad length", "bad data offset", "later fragment", "other protocol", "too many tags", "too many labels",
        "too many extensions", "too deep",
    ]
}
