// SPDX-License-Identifier: Apache-2.0

/// The differences between ClickHouse's versions that statements have to know.
package struct Dialect: Sendable, Equatable {
    /// Year and month of the version.
    package var major: Int
    package var minor: Int

    /// The first version that is supported; 18.16 (Debian 12) is taken for tests and for small installations.
    package static let floor = Dialect(major: 23, minor: 8)
    private static let debian = Dialect(major: 18, minor: 16)

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads the answer to `SELECT version()`, such as `26.9.2.1`.
    package init?(version: some StringProtocol) {
        let parts = version.split(separator: ".")
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        self.init(major: major, minor: minor)
    }

    package var isSupported: Bool { self == Self.debian || (major, minor) >= (Self.floor.major, Self.floor.minor) }

    /// Types for addresses, codecs, TTL, skip indices and settings by the name of today.
    package var isCurrent: Bool { (major, minor) >= (Self.floor.major, Self.floor.minor) }

    /// The condition that an address column lies in a range; both ends as IPv6 text.
    func isBetween(_ column: String, _ low: String, _ high: String) -> String {
        isCurrent
            ? "(\(column) >= toIPv6('\(low)') AND \(column) <= toIPv6('\(high)'))"
            : "(IPv6StringToNum(\(column)) >= IPv6StringToNum('\(low)') "
                + "AND IPv6StringToNum(\(column)) <= IPv6StringToNum('\(high)'))"
    }

    /// The 16 bytes of a text that may be an IPv6 address; zeros where it is none.
    func number(_ text: String) -> String {
        isCurrent ? "IPv6StringToNumOrDefault(\(text))" : "IPv6StringToNum(\(text))"
    }

    /// Settings for inserting a batch, as parameters of the request.
    var insertSettings: [(String, String)] {
        let common = [("input_format_skip_unknown_fields", "1")]
        guard isCurrent else { return common }
        // Many agents with small batches: the server collects them and answers when they are on its disk.
        return common + [("async_insert", "1"), ("wait_for_async_insert", "1")]
    }
}
