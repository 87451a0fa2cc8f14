// SPDX-License-Identifier: Apache-2.0

extension UInt8 {
    /// True for the ASCII letters, the digits and `_`.
    package var isWordByte: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
    }
}
