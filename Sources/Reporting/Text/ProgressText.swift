// SPDX-License-Identifier: Apache-2.0

/// The progress of reading a long file, as one line: part, a bar, sizes, rate, time left.
package struct ProgressText {
    /// Bytes read, and of how many.
    package var read: UInt64
    package var total: UInt64
    /// Bytes a second lately; the time left is reckoned with it.
    package var rate: Double

    package init(read: UInt64, total: UInt64, rate: Double) {
        self.read = read
        self.total = total
        self.rate = rate
    }

    /// The line, at most `columns` wide: what matters least is left out first.
    package func line(columns: Int) -> String {
        let part = total > 0 ? min(1, Double(read) / Double(total)) : 1
        let percent = "\(Int(part * 100)) %"
        let left = rate > 0 && total > read ? ", " + Self.duration(Double(total - read) / rate) + " left" : ""
        let short = percent + left
        let sizes = "\(Self.size(Double(read))) of \(Self.size(Double(total)))"
        let long = "\(percent), \(sizes), \(Self.size(rate))/s\(left)"
        let width = min(30, columns - long.count - 4)
        if width >= 10 {
            let done = Int(part * Double(width))
            return "[" + String(repeating: "#", count: done) + String(repeating: ".", count: width - done) + "] " + long
        }
        return long.count < columns ? long : String(short.prefix(max(0, columns - 1)))
    }

    /// `1.2 GB`: powers of ten, as disks are sold and links are rated.
    static func size(_ bytes: Double) -> String {
        var value = bytes
        var unit = 0
        let units = ["B", "kB", "MB", "GB", "TB"]
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        let number = tenths < 100 && unit > 0 ? "\(tenths / 10).\(tenths % 10)" : "\(Int(value.rounded()))"
        return "\(number) \(units[unit])"
    }

    /// `40 s`, `3 min 20 s`, `2 h 5 min`.
    static func duration(_ seconds: Double) -> String {
        let seconds = Int(min(seconds.rounded(.up), 1e9))
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
