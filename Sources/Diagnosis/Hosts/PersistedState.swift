// SPDX-License-Identifier: Apache-2.0

/// The part of the engine's knowledge that outlives it.
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

extension InterfaceSet {
    /// The names of its members.
    ///
    /// - `names`: by slot.
    func names(_ names: [String]) -> [String] {
        names.prefix(32).indices.filter { contains(InterfaceSet(slot: UInt8($0))) }.map { names[$0] }
    }
}
