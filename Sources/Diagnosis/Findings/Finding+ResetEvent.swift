// SPDX-License-Identifier: Apache-2.0

extension Finding {
    /// The details of many connections that were reset together; `Finding.count` is the number of connections.
    package struct ResetEvent: Sendable {
        /// The time of the last reset, ns since 1970.
        package var end: UInt64
        /// From the first reset to the last.
        package var seconds = 0.0
        /// The hosts in whose name the resets came, at most 64.
        package var hosts: Int
        /// Those of them that sent packets after the event.
        package var hostsHeardAfter = 0
        /// The begin of the event before, of the same device or next hop, before the begin of this one.
        package var secondsSinceEarlier: Double?
        /// The device that sent the resets; `nil` where only the next hop is known.
        package var origin: String?
        package var hop: Int?
        package var nextHopMAC: String?

        package init(end: UInt64, hosts: Int) {
            self.end = end
            self.hosts = hosts
        }
    }
}
