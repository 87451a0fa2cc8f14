// SPDX-License-Identifier: Apache-2.0

/// Numbers with their noun: `1 packet`, `2 packets`.
package enum Counted {
    package static func packets(_ count: some BinaryInteger) -> String { count == 1 ? "1 packet" : "\(count) packets" }
    package static func resets(_ count: some BinaryInteger) -> String { count == 1 ? "1 reset" : "\(count) resets" }
    static func samples(_ count: Int) -> String { count == 1 ? "1 sample" : "\(count) samples" }
    static func flows(_ count: Int) -> String { count == 1 ? "1 flow" : "\(count) flows" }
    static func connections(_ count: Int) -> String { count == 1 ? "1 connection" : "\(count) connections" }
}
