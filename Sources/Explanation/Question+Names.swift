// SPDX-License-Identifier: Apache-2.0
package import Packets
internal import Reporting

extension Question {
    /// The text with addresses in the place of names: `server:22`, `SERVER_IP.22`.
    ///
    /// - `names`: the name that stands for each address.
    package static func naming(_ text: String, by names: [IPAddress: String]) -> String {
        var bytes = Array(text.utf8)
        // The longest first: one name may be a part of another.
        let entries = names.map { (name: Array($0.value.utf8), address: $0.key) }
            .sorted { ($1.name.count, $0.address.low) < ($0.name.count, $1.address.low) }
        for entry in entries where !entry.name.isEmpty && entry.name.count <= bytes.count {
            let address = Array("[\(entry.address)]".utf8)
            var start = 0
            while start + entry.name.count <= bytes.count {
                let end = start + entry.name.count
                guard bytes[start..<end].elementsEqual(entry.name), !isPart(bytes, before: start),
                    !isPart(bytes, from: end)
                else {
                    start += 1
                    continue
                }
                bytes.replaceSubrange(start..<end, with: address)
                start += address.count
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isPart(_ bytes: [UInt8], before position: Int) -> Bool {
        guard position > 0 else { return false }
        let byte = bytes[position - 1]
        return byte.isWordByte || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }

    /// A dot may come before a port.
    private static func isPart(_ bytes: [UInt8], from position: Int) -> Bool {
        guard position < bytes.count else { return false }
        return bytes[position].isWordByte || bytes[position] == UInt8(ascii: "-")
    }
}
