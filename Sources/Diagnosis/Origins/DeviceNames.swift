// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The devices that the operator has named, and how each is known.
///
/// A look-up without I/O.
package struct DeviceNames: Sendable, Equatable {
    /// One device.
    ///
    /// All that is given has to hold; of several that match the first counts.
    package struct Entry: Sendable, Equatable {
        package var device: KnownDevice
        /// The next hop's address, `02:00:00:00:00:01`.
        ///
        /// Without a hop it is the neighbour's own.
        package var mac: String?
        /// The device's own address: whatever has it goes by this name; of a device on a path, where an ICMP error or
        /// its IP-ID has given it away.
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

    /// The device that sent a reset or an ICMP error; `nil` for what the host that is spoken to sent itself, and for
    /// other kinds.
    package func device(for finding: Finding) -> KnownDevice? {
        switch finding.details {
        case .reset(let reset):
            guard reset.sender.isForeign else { return nil }
            return device(
                hop: reset.hop, mac: reset.nextHopMAC, address: reset.originAddress, hosts: [finding.fiveTuple.source])
        case .icmpError(let error):
            let host = error.quoted.destination
            if error.from != host { return device(hop: error.hop, mac: nil, address: error.from, hosts: [host]) }
            // In the host's name, from nearer than the host: a device whose own address is not known.
            guard finding.evidence.contains(.ttlHost) else { return nil }
            return device(hop: error.hop, mac: nil, address: nil, hosts: [host])
        case .path, .pathChange, .notice: return nil
        }
    }

    /// Whatever has this address of its own, a host or a device, wherever it is.
    package func device(at address: IPAddress) -> KnownDevice? {
        entries.first { $0.address == address }?.device
    }

    /// The neighbour with this MAC address.
    package func device(mac: String) -> KnownDevice? {
        entries.first { $0.mac == mac && ($0.hop ?? 1) == 1 }?.device
    }

    /// Returns the named device at a hop of the path to a host.
    ///
    /// - `address`: its own, where it has told it.
    /// - `mac`: the next hop's, where it is known.
    package func device(
        hop: Int, address: IPAddress? = nil, mac: String? = nil, before host: IPAddress
    ) -> KnownDevice? {
        device(hop: hop, mac: mac, address: address, hosts: [host])
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
