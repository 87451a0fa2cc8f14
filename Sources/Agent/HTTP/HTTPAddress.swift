// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The address that the agent's HTTP interface listens on.
package enum HTTPAddress: Hashable, Sendable {
    case tcp(host: String, port: Int)
    case unixSocket(path: String)

    /// Loopback only: findings are about people.
    package static let standard = HTTPAddress.tcp(host: "127.0.0.1", port: 9742)

    /// Reads `127.0.0.1:9742`, `[::1]:9742` or `localhost:9742`.
    ///
    /// `nil` if it is none of these. Port 0 takes a free one.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = String(text[..<colon])
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
            port <= 65_535
        else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard let address = IPAddress(host), !address.isIPv4 else { return nil }
        } else {
            guard Self.isHostName(host) else { return nil }
        }
        self = .tcp(host: host, port: port)
    }

    /// True where only this machine can reach it.
    package var isLocal: Bool {
        switch self {
        case .unixSocket: true
        case .tcp("localhost", _): true
        case .tcp(let host, _): IPAddress(host).map(Self.isLoopback) ?? false
        }
    }

    private static func isHostName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                    || scalar == "-" || scalar == "."
            }
    }

    private static func isLoopback(_ address: IPAddress) -> Bool {
        // 127.0.0.0/8 (RFC 1122) and ::1 (RFC 4291).
        address.isIPv4 ? address.low >> 24 & 0xff == 127 : address.high == 0 && address.low == 1
    }
}

extension HTTPAddress: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unixSocket(let path): path
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}
