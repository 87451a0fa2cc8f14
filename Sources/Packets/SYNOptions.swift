// SPDX-License-Identifier: Apache-2.0

/// The option that signs a connection's segments.
package enum TCPSignature: UInt8, CaseIterable, Hashable, Sendable {
    /// RFC 2385.
    case md5 = 1
    /// TCP-AO, RFC 5925.
    case authentication = 2

    /// As it is shown.
    package var label: String { self == .md5 ? "TCP MD5" : "TCP-AO" }

    /// As it stands in JSON.
    package var name: String { self == .md5 ? "md5" : "ao" }

    package init?(name: String) {
        guard let known = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = known
    }
}

/// The options of a SYN or SYN-ACK that devices on the path are known to change or to strip.
package struct SYNOptions: Hashable, Sendable {
    /// The shift count (RFC 7323, 2.2); `nil` without the option.
    package var windowScale: UInt8?
    package var allowsSelectiveAcknowledgement = false
    package var hasTimestamps = false
    package var signature: TCPSignature?
    package var isMultipath = false

    package init() {}

    /// In 16 bits, for tables: never 0.
    package var rawValue: UInt16 {
        var value = UInt16(min(windowScale ?? 15, 15)) | 1 << 15
        if allowsSelectiveAcknowledgement { value |= 1 << 4 }
        if hasTimestamps { value |= 1 << 5 }
        value |= UInt16(signature?.rawValue ?? 0) << 6
        if isMultipath { value |= 1 << 8 }
        return value
    }

    package init(rawValue: UInt16) {
        windowScale = rawValue & 15 == 15 ? nil : UInt8(rawValue & 15)
        allowsSelectiveAcknowledgement = rawValue & 1 << 4 != 0
        hasTimestamps = rawValue & 1 << 5 != 0
        signature = TCPSignature(rawValue: UInt8(rawValue >> 6 & 3))
        isMultipath = rawValue & 1 << 8 != 0
    }
}
