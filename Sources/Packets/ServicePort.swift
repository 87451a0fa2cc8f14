// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Services by the name that tools print instead of the port.
package enum ServicePort {
    /// The services that are known without a services database.
    private static let wellKnown: [String: UInt16] = [
        "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "pop3": 110, "ntp": 123,
        "imap2": 143, "imap": 143, "snmp": 161, "bgp": 179, "ldap": 389, "https": 443, "microsoft-ds": 445,
        "ldaps": 636, "imaps": 993, "mysql": 3306, "postgresql": 5432, "http-alt": 8080,
    ]

    /// The port of a service, as this system's services database has it.
    ///
    /// `nil` where nobody knows it.
    package static func named(_ name: String, isUDP: Bool = false) -> UInt16? {
        guard (1...63).contains(name.utf8.count) else { return nil }
        var entry = servent()
        var found: UnsafeMutablePointer<servent>?
        let port = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer -> UInt16? in
            guard
                getservbyname_r(name, isUDP ? "udp" : "tcp", &entry, buffer.baseAddress, buffer.count, &found) == 0,
                let found
            else { return nil }
            return UInt16(bigEndian: UInt16(truncatingIfNeeded: found.pointee.s_port))
        }
        return port ?? wellKnown[name]
    }
}
