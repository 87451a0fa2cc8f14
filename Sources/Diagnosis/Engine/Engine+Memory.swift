// SPDX-License-Identifier: Apache-2.0

extension Engine {
    /// Bytes of the tables of so many hosts and flows when they are full.
    package static func tableBytes(hosts: Int, flows: Int) -> UInt64 {
        UInt64(max(0, hosts)) * UInt64(entryBytes.host) + UInt64(max(0, flows)) * UInt64(entryBytes.flow)
    }
}
