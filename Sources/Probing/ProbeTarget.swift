// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Packets

/// The host and port that a probe is about.
package struct ProbeTarget: Sendable, Equatable {
    /// A name or an address, without brackets.
    package var host: String
    package var port: UInt16

    /// Reads `HOST:PORT`: a name, an IPv4 address, or an IPv6 address in brackets.
    ///
    /// `nil` if it is none of these.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits),
            port > 0
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= 253, !host.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f }) else {
            return nil
        }
        self.host = String(host)
        self.port = port
    }

    /// One address that the name means.
    package struct Address: Hashable, Sendable {
        package var address: IPAddress
        /// The interface of a link-local address, else 0.
        package var scope: UInt32
    }

    /// Every address that the host's name means, in the order in which clients try them (RFC 6724).
    ///
    /// The corresponding C function is `getaddrinfo`. Blocks as long as the resolver does.
    ///
    /// - `isIPv6`: only addresses of that IP version; both where `nil`.
    ///
    /// Throws `.notFound` with the resolver's words.
    package func addresses(isIPv6: Bool? = nil) throws(ProbeError) -> [Address] {
        var hints = addrinfo()
        hints.ai_family = isIPv6.map { $0 ? AF_INET6 : AF_INET } ?? AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0 else {
            let words = code == EAI_SYSTEM ? strerror(errno) : UnsafeMutablePointer(mutating: gai_strerror(code))
            throw ProbeError(
                .notFound, subject: host, problem: words.map { String(cString: $0) } ?? "error \(code)",
                advice: "Check the name, or give an address")
        }
        defer { freeaddrinfo(list) }
        var found: [Address] = []
        var next = list
        while let entry = next?.pointee {
            if let address = SocketAddress(entry.ai_addr, length: entry.ai_addrlen) {
                let candidate = Address(address: address.address, scope: address.scope)
                if !found.contains(candidate) { found.append(candidate) }
            }
            next = entry.ai_next
        }
        guard !found.isEmpty else {
            throw ProbeError(.notFound, subject: host, problem: "the name has no address")
        }
        return found
    }
}

extension ProbeTarget: CustomStringConvertible {
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
