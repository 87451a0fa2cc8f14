// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
package import Packets

/// The addresses of this network namespace, which come and go while it is watched (DHCP, VRRP, containers).
package final class LocalAddresses: Sendable {
    /// A netlink socket that hears of changes.
    ///
    /// Negative where there is none: they stay unnoticed.
    private let watch: Int32

    /// Hears of changes from now on.
    package init() {
        watch = rstwho_address_watch()
    }

    deinit {
        if watch >= 0 { close(watch) }
    }

    /// False where the kernel does not tell of changes.
    package var areFollowed: Bool { watch >= 0 }

    /// The addresses, if there was a change since the last call.
    ///
    /// Otherwise one system call that does not wait.
    package func changed() -> Set<IPAddress>? {
        guard watch >= 0, rstwho_watch_changed(watch) else { return nil }
        let addresses = all()
        return addresses.isEmpty ? nil : addresses
    }

    /// The addresses of all interfaces now; empty where the kernel does not tell.
    package func all() -> Set<IPAddress> {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var addresses: Set<IPAddress> = []
        var entry = first
        while let current = entry {
            entry = current.pointee.ifa_next
            guard let address = current.pointee.ifa_addr, let parsed = Self.ip(of: address) else { continue }
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
