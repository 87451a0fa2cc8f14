// SPDX-License-Identifier: Apache-2.0

/// Text as it stands in the query of a URL.
package enum URLText {
    /// Percent-encodes all but the unreserved characters (RFC 3986, 2.3), and the `:`, `/` and `,` that a query may
    /// hold as they are.
    package static func escaped(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: ","):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += hex.count == 1 ? "%0" + hex : "%" + hex
            }
        }
    }
}
