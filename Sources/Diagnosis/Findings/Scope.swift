// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The scope of a connection, by the prefixes that count as inside.
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
    package typealias Prefix = IPPrefix

    package var prefixes: [IPPrefix]

    package init(_ prefixes: [IPPrefix]) {
        self.prefixes = prefixes
    }

    /// RFC 1918, unique local addresses (RFC 4193) and link-local addresses of both versions.
    package static let standard = InsidePrefixes(
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"]
            .compactMap { IPPrefix($0) })

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
