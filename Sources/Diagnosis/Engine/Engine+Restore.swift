// SPDX-License-Identifier: Apache-2.0

/// What the engine knows that is to outlive it.
package struct PersistedState: Sendable {
    let hosts: HostSnapshot
    let interfaceNames: [String]
    /// The devices that send resets for others.
    package let origins: [OriginRecord]

    /// The hosts that have proved to be alive.
    package func hostRecords() -> [HostRecord] {
        var names: [UInt32: [String]] = [:]
        return hosts.entries.filter(\.isProven).map { entry in
            let known = names[entry.interfaces.rawValue] ?? entry.interfaces.names(interfaceNames)
            names[entry.interfaces.rawValue] = known
            return HostRecord(entry, interfaces: known)
        }
    }
}

extension Engine {
    /// A copy of what is to outlive the engine, for working on it elsewhere.
    package var memory: PersistedState {
        PersistedState(
            hosts: hostSnapshot, interfaceNames: options.interfaceNames, origins: witnesses.origins.records)
    }

    /// Takes back what an engine before this one knew. What happened since then weakens it: counts are halved for each hour that
    /// passed, as they are while packets come. Hosts that came by interfaces which are not watched any more, and hosts that were
    /// seen later than `now`, are left out.
    ///
    /// - Parameter now: ns since 1970.
    /// - Returns: how many hosts were taken back.
    @discardableResult
    package mutating func restore(hosts records: [HostRecord], now: UInt64) -> Int {
        var slots: [String: InterfaceSet] = [:]
        for (slot, name) in options.interfaceNames.prefix(32).enumerated() {
            slots[name] = InterfaceSet(slot: context.group(of: UInt8(slot)))
        }
        var restored = 0
        for record in records where record.lastSeen <= now {
            guard let entry = record.restored(slots: slots, now: now) else { continue }
            if context.hosts.restore(entry, now: now) { restored += 1 }
        }
        return restored
    }

    /// Takes back the devices that an engine before this one had found, under their names.
    package mutating func restore(origins records: [OriginRecord]) {
        witnesses.origins.restore(records)
    }
}

extension InterfaceSet {
    /// The names of its members.
    ///
    /// - Parameter names: by slot.
    func names(_ names: [String]) -> [String] {
        names.prefix(32).indices.filter { contains(InterfaceSet(slot: UInt8($0))) }.map { names[$0] }
    }
}
