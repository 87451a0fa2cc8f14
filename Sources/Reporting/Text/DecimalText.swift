// SPDX-License-Identifier: Apache-2.0

/// Decimal numbers as text without an exponent and without a locale.
package enum DecimalText {
    /// `value` rounded to a whole number between 0 and 10^9; 0 where it is no number.
    package static func whole(_ value: Double) -> Int {
        value.isNaN ? 0 : Int(min(max(value, 0), 1e9).rounded())
    }

    /// `value` rounded half away from zero to `digits` digits behind the point, without trailing zeros but with one
    /// digit behind the point at least, so that a reader sees a decimal number: `0.98`, `4.0`.
    ///
    /// - `value`: finite; its magnitude is clamped to 10^12.
    /// - `digits`: at most 6.
    package static func format(_ value: Double, digits: Int) -> String {
        var scale: Int64 = 1
        for _ in 0..<digits { scale *= 10 }
        let clamped = min(max(value, -1e12), 1e12)
        let scaled = Int64((clamped * Double(scale)).rounded())
        let magnitude = scaled.magnitude
        let whole = magnitude / scale.magnitude
        var fraction = String(magnitude % scale.magnitude)
        fraction = String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
        while fraction.count > 1, fraction.last == "0" { fraction.removeLast() }
        return "\(scaled < 0 ? "-" : "")\(whole).\(digits == 0 ? "0" : fraction)"
    }

    /// Nanoseconds as seconds, exactly: `-0.000120500`.
    static func nanoseconds(_ value: Int64) -> String {
        let magnitude = value.magnitude
        let fraction = String(magnitude % 1_000_000_000)
        let zeros = String(repeating: "0", count: 9 - fraction.count)
        return "\(value < 0 ? "-" : "")\(magnitude / 1_000_000_000).\(zeros)\(fraction)"
    }
}
