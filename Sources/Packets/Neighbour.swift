// SPDX-License-Identifier: Apache-2.0

/// An address on the link, and the station that answers for it: from ARP, neighbour discovery or this machine's
/// neighbour table.
package struct Neighbour: Sendable, Hashable {
    package var address: IPAddress
    /// `packet_record.link_hash` of the frames that this station sends.
    package var link: UInt16

    package init(address: IPAddress, link: UInt16) {
        self.address = address
        self.link = link
    }
}

/// `packet_record.link_hash`: the arithmetic of fill_domain and fold_mac in bpf/parse_cursor.h.
package enum LinkHash {
    /// Returns the hash of a domain's low bits and a folded MAC address; 0 stands for a source without one.
    package static func of(domain: UInt32, folded source: UInt32) -> UInt16 {
        UInt16(truncatingIfNeeded: (((domain &+ 1) &* 0x85eb_ca6b ^ source) &* 0x9e37_79b1) >> 16)
    }

    /// Folds six bytes, given as a number of 48 bits in network order.
    package static func fold(_ address: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: address >> 32) ^ UInt32(truncatingIfNeeded: address)
    }
}
