// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The VLAN tags and tunnels that a packet came in, folded into the record's twelve bits: the same arithmetic as
/// `widen_domain` and `finish_record` in bpf/parse_cursor.h, so that a text and a capture of the same packets give
/// the same flows.
struct TextDomain {
    private var value: UInt32 = 0
    private var isTagged = false

    /// VLAN 0 is a priority without a VLAN.
    mutating func add(vlan: UInt32) {
        guard vlan != 0 else { return }
        if isTagged { hash(vlan) } else { value = vlan }
        isTagged = true
    }

    mutating func add(tunnel: UInt8, identifier: UInt32) {
        hash(UInt32(tunnel) << 28 ^ identifier)
        isTagged = true
    }

    private mutating func hash(_ added: UInt32) {
        value = (((value &+ 1) &* 0x85eb_ca6b ^ added) &* 0x9e37_79b1) >> 20
    }

    /// The bits above the IP-ID or flow label in `packet_record.id`.
    var bits: UInt32 { value & 0xfff }

    /// `packet_record.link_hash` for a folded source MAC address, 0 without one.
    func linkHash(sourceMAC: UInt32) -> UInt16 { LinkHash.of(domain: value, folded: sourceMAC) }
}
