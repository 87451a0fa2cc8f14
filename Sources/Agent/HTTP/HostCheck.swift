// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The names that a request may use for this agent.
///
/// A web page elsewhere can point its own name at 127.0.0.1 and so make a browser read from here (DNS rebinding); its
/// requests still carry the page's name as Host.
struct HostCheck: Sendable {
    private var names: Set<String> = ["localhost", "127.0.0.1", "::1"]
    /// True where the agent listens on all addresses: then an address as Host is right, whichever it is.
    private var takesAddresses = false
    /// A Unix socket cannot be reached by a browser.
    private var takesAll = false

    init(address: HTTPAddress, names: [String] = []) {
        switch address {
        case .unixSocket:
            takesAll = true
        case .tcp(let host, _):
            takesAddresses = IPAddress(host) == IPAddress("0.0.0.0") || IPAddress(host) == IPAddress("::")
            self.names.insert(Self.normal(host))
        }
        for name in names { self.names.insert(Self.normal(name)) }
    }

    /// - `authority`: the Host header: a name or an address, with or without a port.
    func accepts(_ authority: String?) -> Bool {
        if takesAll { return true }
        guard let authority, let host = Self.host(of: authority) else { return false }
        return names.contains(Self.normal(host)) || (takesAddresses && IPAddress(host) != nil)
    }

    /// The host of `host`, `host:port`, `[address]` or `[address]:port`; `nil` if it is none of these.
    private static func host(of authority: String) -> String? {
        var host = authority[...]
        var port: Substring = ""
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return nil }
            port = host[host.index(after: end)...]
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":") {
            port = host[colon...]
            host = host[..<colon]
        }
        guard !host.isEmpty, port.isEmpty || (port.first == ":" && port.dropFirst().allSatisfy(\.isNumber)) else {
            return nil
        }
        return String(host)
    }

    private static func normal(_ host: String) -> String {
        let lower = host.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }
}
