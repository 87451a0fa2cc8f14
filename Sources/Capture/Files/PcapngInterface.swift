// SPDX-License-Identifier: Apache-2.0

/// The fields of an interface description block that packets need.
struct PcapngInterface {
    var link: LinkLayer
    /// Bytes of a packet that were kept at most; 0 for all.
    var snapLength: UInt32
    var clock = PcapngClock()
}

/// Turns the 64-bit timestamps of an interface into ns since 1970.
///
/// `if_tsresol` is a negative power of 10, or with the top bit set of 2; `if_tsoffset` is added in seconds
/// (draft-ietf-opsawg-pcapng, 4.2). Any resolution and offset is taken; what falls outside 1970–2262 is put at that
/// range's end, so that sums of times cannot overflow.
struct PcapngClock {
    private enum Unit {
        /// Units of so many ns.
        case nanoseconds(UInt64)
        /// So many units in a ns; 0 where a ns has more than 64 bits can count.
        case perNanosecond(UInt64)
        /// 2⁻ⁿ seconds, n < 64.
        case binary(UInt64)
        /// 2⁻ⁿ seconds with n ≥ 64: 64 bits never make a second; so many bits to be dropped to get 2⁻⁶⁴ s.
        case smallBinary(UInt64)
    }

    static let latest = UInt64(Int64.max)

    private var unit = Unit.nanoseconds(1000)
    private var offset: Int64 = 0

    /// Microseconds since 1970: what holds where the options say nothing.
    init() {}

    mutating func setResolution(_ value: UInt8) {
        let exponent = Int(value & 0x7f)
        if value & 0x80 != 0 {
            unit = exponent < 64 ? .binary(UInt64(exponent)) : .smallBinary(UInt64(exponent - 64))
        } else if exponent <= 9 {
            unit = .nanoseconds(Self.powerOfTen(9 - exponent))
        } else {
            unit = .perNanosecond(exponent - 9 <= 19 ? Self.powerOfTen(exponent - 9) : 0)
        }
    }

    mutating func setOffset(seconds: Int64) {
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        offset = overflow ? (seconds < 0 ? -Int64.max : Int64.max) : nanoseconds
    }

    /// ns since 1970, at most `latest`.
    func nanoseconds(_ ticks: UInt64) -> UInt64 {
        let time: UInt64
        switch unit {
        case .nanoseconds(let factor):
            let (product, overflow) = ticks.multipliedReportingOverflow(by: factor)
            time = overflow ? Self.latest : min(product, Self.latest)
        case .perNanosecond(let divisor):
            time = divisor == 0 ? 0 : min(ticks / divisor, Self.latest)
        case .binary(let bits):
            // ticks · 10⁹ / 2ⁿ in 128 bits.
            let product = ticks.multipliedFullWidth(by: 1_000_000_000)
            if product.high >> bits != 0 {
                time = Self.latest
            } else {
                // Swift's << by 64 gives 0, which is what n = 0 needs.
                time = min(product.low >> bits | product.high << (64 - bits), Self.latest)
            }
        case .smallBinary(let bits):
            time = (ticks >> bits).multipliedFullWidth(by: 1_000_000_000).high
        }
        // time ≤ Int64.max and offset ≥ −Int64.max: only the sum upwards can overflow.
        let (sum, overflow) = Int64(time).addingReportingOverflow(offset)
        return overflow ? Self.latest : UInt64(max(sum, 0))
    }

    private static func powerOfTen(_ exponent: Int) -> UInt64 {
        (0..<exponent).reduce(UInt64(1)) { power, _ in power &* 10 }
    }
}
