// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The stations of addresses on the link, as ARP, neighbour discovery or this machine's neighbour table tell them.
///
/// Bounded: what comes beyond `limit` is not kept. Whoever forges ARP on the link can spoil an entry or fill the table,
/// and both only leave a reset undetermined.
struct NeighbourTable {
    private static let limit = 4096

    private struct Station {
        var link: UInt16
        /// Another station answered for the address, too.
        var isAmbiguous = false
    }

    private var stations: [IPAddress: Station] = [:]

    mutating func note(_ neighbour: Neighbour) {
        guard let known = stations[neighbour.address] else {
            if stations.count < Self.limit { stations[neighbour.address] = Station(link: neighbour.link) }
            return
        }
        if known.link != neighbour.link { stations[neighbour.address]?.isAmbiguous = true }
    }

    /// True where the record's frame came from the one station that answers for the record's source.
    func isStation(of record: PacketRecord) -> Bool {
        guard record.link_hash != 0, let station = stations[record.source] else { return false }
        return station.link == record.link_hash && !station.isAmbiguous
    }

    mutating func forget(_ prefix: IPPrefix) {
        stations = stations.filter { !prefix.contains($0.key) }
    }
}
