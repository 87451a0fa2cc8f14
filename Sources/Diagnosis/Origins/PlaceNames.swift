// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The names of the places that a finding speaks of: addresses, and hops on the way to its host.
package struct PlaceNames: Sendable, Equatable {
    package var addresses: [IPAddress: KnownDevice] = [:]
    /// The neighbour is 1.
    package var hops: [Int: KnownDevice] = [:]

    package var isEmpty: Bool { addresses.isEmpty && hops.isEmpty }

    package init() {}
}

extension DeviceNames {
    /// The hops of one way that are named at most.
    private static let farthest = 32

    /// Names what a finding speaks of: the device behind it, and every place that it mentions.
    package func name(_ finding: inout Finding) {
        finding.device = device(for: finding)
        finding.places = PlaceNames()
        for address in finding.addresses { finding.places.addresses[address] = device(at: address) }
        if let address = finding.addressOfDevice, let device = finding.device {
            finding.places.addresses[address] = device
        }
        guard let reset = finding.reset else { return }
        let host = finding.fiveTuple.source
        let far = max(reset.hop ?? 0, reset.hostHop ?? 0)
        // The host is no device on its own way.
        for hop in stride(from: 1, through: min(far, Self.farthest), by: 1) where hop != reset.hostHop {
            finding.places.hops[hop] = device(hop: hop, mac: reset.nextHopMAC, before: host)
        }
    }

    /// Names the places that a probe came by.
    package func name(_ result: inout ProbeResult) {
        let target = result.target
        result.places = PlaceNames()
        result.places.addresses[target] = device(at: target)
        for hop in result.path {
            for address in hop.addresses {
                result.places.addresses[address] = device(hop: hop.number, address: address, before: target)
            }
            if hop.addresses.isEmpty { result.places.hops[hop.number] = device(hop: hop.number, before: target) }
        }
        guard let hops = result.hops, hops.count == 1, hops.lowerBound > 0, result.sender == .middlebox else {
            result.device = result.address.flatMap { device(at: $0) }
            return
        }
        result.device = device(hop: hops.lowerBound, address: result.address, before: target)
    }
}

extension DeviceNames {
    /// Hosts with their names.
    package func named(_ hosts: [HostSummary]) -> [HostSummary] {
        guard !entries.isEmpty else { return hosts }
        return hosts.map { host in
            var host = host
            host.device = device(at: host.address)
            return host
        }
    }

    /// Paths with the names of their servers and neighbours.
    package func named(_ paths: [PathSummary]) -> [PathSummary] {
        guard !entries.isEmpty else { return paths }
        return paths.map { path in
            var path = path
            path.serverDevice = device(at: path.server)
            path.there = path.there.map(named)
            path.back = path.back.map(named)
            return path
        }
    }

    private func named(_ way: PathSummary.Way) -> PathSummary.Way {
        var way = way
        way.fromDevice = way.from.flatMap { device(mac: $0) }
        way.toDevice = way.to.flatMap { device(mac: $0) }
        return way
    }

    /// Origins with their names.
    package func named(_ origins: [Origin]) -> [Origin] {
        guard !entries.isEmpty else { return origins }
        return origins.map { origin in
            var origin = origin
            origin.device = device(for: origin)
            return origin
        }
    }
}

extension Finding {
    /// The address of `device`, where that is another than the host's that is spoken to.
    fileprivate var addressOfDevice: IPAddress? {
        switch details {
        case .reset(let reset): reset.originAddress
        case .icmpError(let error): error.from == error.quoted.destination ? nil : error.from
        case .path, .pathChange, .notice: nil
        }
    }

    /// The addresses that its sentences can mention.
    fileprivate var addresses: Set<IPAddress> {
        var addresses: Set = [fiveTuple.source, fiveTuple.destination]
        if let translated { addresses.formUnion([translated.source, translated.destination]) }
        switch details {
        case .reset(let reset): if let address = reset.originAddress { addresses.insert(address) }
        case .path(let path):
            if let redirect = path.redirect { addresses.formUnion([redirect.from, redirect.gateway]) }
        case .icmpError(let error):
            addresses.formUnion([error.from, error.quoted.source, error.quoted.destination])
            addresses.formUnion([error.gateway, error.to].compactMap { $0 })
        case .pathChange, .notice: break
        }
        return addresses
    }
}
