// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The receiver of exported findings.
package enum ExportTarget: Hashable, Sendable {
    case off
    case udp(host: String, port: Int)
    case tcp(host: String, port: Int)
    /// A datagram socket such as /dev/log.
    case unixSocket(String)
    case file(String)
    case journal

    /// The file that is written; opened again after a rotation.
    package var filePath: String? { if case .file(let path) = self { path } else { nil } }

    /// Reads `off`, `journal`, `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH` or `file:PATH`.
    ///
    /// `nil` if it is none of these.
    package init?(_ text: String) {
        func path(_ prefix: String) -> String? {
            guard text.hasPrefix(prefix) else { return nil }
            let path = String(text.dropFirst(prefix.count))
            return path.hasPrefix("/") && path.utf8.count < 4096 && !path.utf8.contains(0) ? path : nil
        }
        func place(_ prefix: String) -> (host: String, port: Int)? {
            guard text.hasPrefix(prefix),
                case .tcp(let host, let port) = HTTPAddress(String(text.dropFirst(prefix.count))),
                port > 0
            else { return nil }
            return (host, port)
        }
        if text == "off" {
            self = .off
        } else if text == "journal" {
            self = .journal
        } else if let (host, port) = place("udp://") {
            self = .udp(host: host, port: port)
        } else if let (host, port) = place("tcp://") {
            self = .tcp(host: host, port: port)
        } else if let path = path("unix:"), path.utf8.count <= 107 {
            self = .unixSocket(path)
        } else if let path = path("file:") {
            self = .file(path)
        } else {
            return nil
        }
    }
}

extension ExportTarget: CustomStringConvertible {
    package var description: String {
        switch self {
        case .off: "off"
        case .journal: "journal"
        case .udp(let host, let port): "udp://\(HTTPAddress.tcp(host: host, port: port))"
        case .tcp(let host, let port): "tcp://\(HTTPAddress.tcp(host: host, port: port))"
        case .unixSocket(let path): "unix:\(path)"
        case .file(let path): "file:\(path)"
        }
    }
}
