// SPDX-License-Identifier: Apache-2.0
package import Packets

/// A client's network and the server it talks to: what shares a route as far as one can guess from addresses.
package struct PathNetworks: Hashable, Sendable, BitwiseCopyable {
    /// The client's address without its host part: /24, or /64 in IPv6.
    package var network: IPAddress
    package var server: IPAddress

    package init(client: IPAddress, server: IPAddress) {
        network =
            client.isIPv4
            ? IPAddress(high: client.high, low: client.low & ~0xff) : IPAddress(high: client.high, low: 0)
        self.server = server
    }

    /// - `network`: without its host part.
    package init(network: IPAddress, server: IPAddress) {
        self.network = network
        self.server = server
    }

    /// Bits of `network`: 24 or 64.
    package var length: Int { network.isIPv4 ? 24 : 64 }
}
