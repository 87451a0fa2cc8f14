// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The devices that the operator has named, and how each is known. A look-up without I/O.
package struct DeviceNames: Sendable, Equatable {
    /// One device. All that is given has to hold; of several that match the first counts.
    package struct Entry: Sendable, Equatable {
        package var device: KnownDevice
        /// The next hop's address, `02:00:00:00:00:01`. Without a hop it is the neighbour's own.
        package var mac: String?
        /// The device's own address, where an ICMP error or its IP-ID has given it away.
        package var address: IPAddress?
        /// The hosts in whose names it resets.
        package var prefix: IPPrefix?
        /// The neighbour is 1, this machine 0.
        package var hop: Int?

        package init(device: KnownDevice, mac: String?, address: IPAddress?, prefix: IPPrefix?, hop: Int?) {
            self.device = device
            self.mac = mac
            self.address = address
            self.prefix = prefix
            self.hop = hop
        }
    }

    package var entries: [Entry] = []

    package init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    package func device(for origin: Origin) -> KnownDevice? {
        device(hop: origin.hop, mac: origin.nextHopMAC, address: origin.address, hosts: origin.hosts)
    }

    /// The device that sent a reset in another's name; `nil` for what a host sent itself.
    package func device(for finding: Finding) -> KnownDevice? {
        guard let reset = finding.reset, reset.sender.isForeign else { return nil }
        return device(
            hop: reset.hop, mac: reset.nextHopMAC, address: reset.originAddress, hosts: [finding.fiveTuple.source])
    }

    private func device(hop: Int?, mac: String?, address: IPAddress?, hosts: Set<IPAddress>) -> KnownDevice? {
        entries.first { entry in
            if let wanted = entry.hop, wanted != hop { return false }
            if let wanted = entry.mac, wanted != mac || (entry.hop == nil && hop != 1) { return false }
            if let wanted = entry.address, wanted != address { return false }
            if let wanted = entry.prefix, hosts.isEmpty || !hosts.allSatisfy(wanted.contains) { return false }
            return true
        }?.device
    }
}
