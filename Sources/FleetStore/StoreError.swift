// SPDX-License-Identifier: Apache-2.0

/// A request that a server of the store did not carry out.
package struct StoreError: Error, Sendable, Equatable {
    /// The way out.
    package enum Class: Sendable, Equatable {
        /// The batch itself is at fault: sent again it fails again.
        case batch
        /// Somebody has to change an account, a certificate or the schema.
        case configuration
        /// The server or the network is at fault: later, or another server.
        case retry
    }

    package var kind: Class
    /// ClickHouse's number of the error; `nil` where none came.
    package var code: Int?
    package var server: String
    /// A phrase without secrets: what happened.
    package var text: String

    package init(_ kind: Class, code: Int? = nil, server: String, text: String) {
        self.kind = kind
        self.code = code
        self.server = server
        self.text = text
    }

    /// Codes for rows that cannot be read (src/Common/ErrorCodes.cpp): texts, numbers, dates, addresses and enums that
    /// are none, damaged or truncated bodies.
    private static let batchCodes: Set<Int> = [
        6, 26, 27, 33, 38, 41, 53, 69, 72, 117, 130, 131, 349, 354, 441, 467, 675, 676, 691,
    ]

    /// Codes for what somebody has to set up: columns, tables, databases, settings, accounts, grants.
    private static let configurationCodes: Set<Int> = [
        10, 16, 36, 47, 60, 81, 115, 164, 192, 193, 194, 195, 291, 492, 497, 516,
    ]

    /// The class of an answer of ClickHouse.
    ///
    /// - `code`: from the header or the body; `nil` where a proxy may have answered.
    package static func classify(status: Int, code: Int?) -> Class {
        if let code {
            if batchCodes.contains(code) { return .batch }
            return configurationCodes.contains(code) ? .configuration : .retry
        }
        switch status {
        case 413: return .batch
        case 400..<500 where status != 408 && status != 429: return .configuration
        default: return .retry
        }
    }

    /// The number behind "Code: " at the beginning of a text, as every version writes it.
    package static func code(in text: some StringProtocol) -> Int? {
        guard text.hasPrefix("Code: ") else { return nil }
        return Int(text.dropFirst(6).prefix { $0.isASCII && $0.isNumber })
    }
}
