// SPDX-License-Identifier: Apache-2.0

/// Sizes as people write them: `65536`, `64KiB`, `4 MiB`, `1GiB`.
enum ByteSize {
    private static let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]

    /// Bytes; `nil` where it is no size, or none that fits.
    static func read(_ text: String) -> Int? {
        let (suffix, unit) = units.first { text.hasSuffix($0.0) } ?? ("", 1)
        let digits = text.dropLast(suffix.count).filter { $0 != " " }
        guard let number = Int(digits), number >= 0 else { return nil }
        let (bytes, overflows) = number.multipliedReportingOverflow(by: unit)
        return overflows ? nil : bytes
    }

    /// In the greatest unit that divides it.
    static func text(_ bytes: Int) -> String {
        for (suffix, unit) in units where bytes >= unit && bytes % unit == 0 { return "\(bytes / unit)\(suffix)" }
        return String(bytes)
    }
}
