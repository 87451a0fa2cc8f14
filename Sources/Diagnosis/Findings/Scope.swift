// SPDX-License-Identifier: Apache-2.0
package import Packets

/// Whose connection it is, by the prefixes that count as inside.
package enum Scope: String, CaseIterable, Sendable {
    /// Both ends are inside.
    case inside
    /// One end is inside, the other is not.
    case outside
    /// Neither end is inside.
    case transit
}

/// Prefixes that count as inside.
package struct InsidePrefixes: Sendable {
    package struct Prefix: Hashable, Sendable {
        package var address: IPAddress
        /// 0 to 128; an IPv4 prefix counts the 96 bits of the mapping too.
        package var length: Int

        /// Reads `10.0.0.0/8` or `fc00::/7`. `nil` if it is neither.
        package init?(_ text: some StringProtocol) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]), length >= 0,
                length <= (address.isIPv4 ? 32 : 128)
            else { return nil }
            self.address = address
            self.length = address.isIPv4 ? length + 96 : length
        }

        package func contains(_ other: IPAddress) -> Bool {
            let highMask: UInt64 = length >= 64 ? .max : ~(.max >> UInt64(length))
            let lowMask: UInt64 = length <= 64 ? 0 : ~(.max >> UInt64(length - 64))
            return (address.high ^ other.high) & highMask == 0 && (address.low ^ other.low) & lowMask == 0
        }
    }

    package var prefixes: [Prefix]

    package init(_ prefixes: [Prefix]) {
        self.prefixes = prefixes
    }

    /// RFC 1918, unique local addresses (RFC 4193) and link-local addresses of both versions.
    package static let standard = InsidePrefixes(
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"]
            .compactMap { Prefix($0) })

    package func contains(_ address: IPAddress) -> Bool {
        prefixes.contains { $0.contains(address) }
    }

    package func scope(_ first: IPAddress, _ second: IPAddress) -> Scope {
        switch (contains(first), contains(second)) {
        case (true, true): .inside
        case (false, false): .transit
        default: .outside
        }
    }
}

extension InsidePrefixes.Prefix: CustomStringConvertible {
    /// As it is read: `10.0.0.0/8`.
    package var description: String { "\(address)/\(address.isIPv4 ? length - 96 : length)" }
}
