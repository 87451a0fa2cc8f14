// SPDX-License-Identifier: Apache-2.0

/// The addresses that begin with the same bits.
package struct IPPrefix: Hashable, Sendable, BitwiseCopyable {
    package var address: IPAddress
    /// 0 to 128; an IPv4 prefix counts the 96 bits of the mapping too.
    package var length: Int

    /// Reads `10.0.0.0/8` or `fc00::/7`.
    ///
    /// `nil` if it is neither.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]), length >= 0,
            length <= (address.isIPv4 ? 32 : 128)
        else { return nil }
        self.address = address
        self.length = address.isIPv4 ? length + 96 : length
    }

    /// The prefix that holds one address only.
    package init(_ address: IPAddress) {
        self.address = address
        length = 128
    }

    /// Reads a prefix, or an address, which is the prefix of itself.
    package init?(prefixOrAddress text: some StringProtocol) {
        if let prefix = IPPrefix(text) {
            self = prefix
        } else if let address = IPAddress(text) {
            self.init(address)
        } else {
            return nil
        }
    }

    /// The lowest and the highest of the addresses.
    package var bounds: ClosedRange<IPAddress> {
        let first = IPAddress(high: address.high & highMask, low: address.low & lowMask)
        return first...IPAddress(high: first.high | ~highMask, low: first.low | ~lowMask)
    }

    package func contains(_ other: IPAddress) -> Bool {
        (address.high ^ other.high) & highMask == 0 && (address.low ^ other.low) & lowMask == 0
    }

    private var highMask: UInt64 { length >= 64 ? .max : ~(.max >> UInt64(length)) }
    private var lowMask: UInt64 { length <= 64 ? 0 : ~(.max >> UInt64(length - 64)) }
}

extension IPPrefix: CustomStringConvertible {
    package var description: String {
        "\(bounds.lowerBound)/\(bounds.lowerBound.isIPv4 && length >= 96 ? length - 96 : length)"
    }
}
