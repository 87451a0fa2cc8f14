// SPDX-License-Identifier: Apache-2.0
package import Packets

/// A copy of what the engine knows of hosts at one moment.
package struct HostSnapshot: Sendable {
    let entries: [HostEntry]
    var devices = DeviceNames()

    /// All hosts in the order of `HostSummary.Position`: the one seen last first.
    package func summaries() -> [HostSummary] {
        devices.named(entries.map { HostSummary($0) }.sorted { $0.position < $1.position })
    }
}

extension HostSummary {
    /// The position of a host in the list of all; no two share one.
    package struct Position: Comparable, Sendable {
        package var lastSeen: UInt64
        package var address: IPAddress
        package var domain: UInt16

        package init(lastSeen: UInt64, address: IPAddress, domain: UInt16) {
            self.lastSeen = lastSeen
            self.address = address
            self.domain = domain
        }

        /// The one seen last first, then by address and VLAN.
        package static func < (left: Position, right: Position) -> Bool {
            guard left.lastSeen == right.lastSeen else { return left.lastSeen > right.lastSeen }
            return (left.address, left.domain) < (right.address, right.domain)
        }
    }

    package var position: Position { Position(lastSeen: lastSeen, address: address, domain: domain) }
}
