// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Packets

/// This machine's own addresses.
package enum LocalAddresses {
    /// The addresses of all interfaces of this network namespace now; empty where the kernel does not tell.
    package static func all() -> Set<IPAddress> {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var addresses: Set<IPAddress> = []
        var entry = first
        while let current = entry {
            entry = current.pointee.ifa_next
            guard let address = current.pointee.ifa_addr, let parsed = ip(of: address) else { continue }
            addresses.insert(parsed)
        }
        return addresses
    }

    private static func ip(of address: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
        let raw = UnsafeRawPointer(address)
        // The family says which of the socket address types getifaddrs(3) has allocated.
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            return IPAddress(v4: UInt32(bigEndian: raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr))
        case AF_INET6:
            let bytes = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return withUnsafeBytes(of: bytes) { halves in
                IPAddress(
                    high: UInt64(bigEndian: halves.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: halves.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            }
        default:
            return nil
        }
    }
}
