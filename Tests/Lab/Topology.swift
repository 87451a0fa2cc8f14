// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A client, two routers with a firewall between them, and a server.
///
///     client ── router ── firewall ── router ── server
///     10.1.0.1  hop 1     hop 2       hop 3     10.4.0.2, hop 4
///
/// with IPv6 (fd00:1::1 … fd00:4::2) on request. Routes are static; every machine is a Linux network namespace.
/// Everything is gone when the last reference is.
final class Topology {
    /// The firewall's policy for TCP to port 22.
    enum Policy {
        case reject
        case drop
        case accept
    }

    /// The firewall's address translation.
    enum Translation {
        case none
        /// The source of everything towards the server becomes the firewall's.
        case masquerade
        /// The firewall's own port 2323 leads to the server's port 23.
        case destination
    }

    static let clientAddress = "10.1.0.1"
    static let serverAddress = "10.4.0.2"
    static let clientAddressIPv6 = "fd00:1::1"
    static let serverAddressIPv6 = "fd00:4::2"
    /// The firewall's address on the client's side.
    static let firewallAddress = "10.2.0.2"
    /// Towards the client, and towards the server, on every machine that has both.
    static let clientSide = "eth0"
    static let serverSide = "eth1"

    let client: Namespace
    let nearRouter: Namespace
    let firewall: Namespace
    let farRouter: Namespace
    let server: Namespace
    let scratch: Scratch

    private init(policy: Policy, translation: Translation, ipv6: Bool) throws {
        try Namespace.removeLeftovers()
        scratch = try Scratch()
        client = try Namespace("client", scratch: scratch, ipv6: ipv6)
        nearRouter = try Namespace("near", scratch: scratch, ipv6: ipv6)
        firewall = try Namespace("firewall", scratch: scratch, ipv6: ipv6)
        farRouter = try Namespace("far", scratch: scratch, ipv6: ipv6)
        server = try Namespace("server", scratch: scratch, ipv6: ipv6)
        let machines = [client, nearRouter, firewall, farRouter, server]

        // Links 1 to 4, numbered from the client; the near end has address 1, but for the client's link, whose
        // router is 254.
        for (number, (near, far)) in zip(machines, machines.dropFirst()).enumerated() {
            let nearInterface = number == 0 ? Self.clientSide : Self.serverSide
            try near.connect(nearInterface, to: far, Self.clientSide)
            let link = number + 1
            let farHost = number == 0 ? "254" : "2"
            try near.address("10.\(link).0.1/24", on: nearInterface)
            try far.address("10.\(link).0.\(farHost)/24", on: Self.clientSide)
            if ipv6 {
                try near.address("fd00:\(link)::1/64", on: nearInterface)
                try far.address("fd00:\(link)::\(farHost)/64", on: Self.clientSide)
            }
        }
        for router in [nearRouter, firewall, farRouter] {
            try router.set("net.ipv4.ip_forward", to: "1")
            if ipv6 {
                try router.set("net.ipv6.conf.all.forwarding", to: "1")
            }
        }
        try setRoutes(ipv6: ipv6)
        try firewall.loadRules(Self.rules(policy: policy, translation: translation))
    }

    /// Builds the topology, calls `body`, and takes everything down, whatever happened in it.
    static func with<Result>(
        policy: Policy = .reject, translation: Translation = .none, ipv6: Bool = false,
        _ body: (Topology) throws -> Result
    ) throws -> Result {
        let topology = try Topology(policy: policy, translation: translation, ipv6: ipv6)
        // The last use is not the end of need: programs run in the namespaces.
        return try withExtendedLifetime(topology) { try body(topology) }
    }

    private func setRoutes(ipv6: Bool) throws {
        try client.route("default", via: "10.1.0.254")
        try nearRouter.route("10.3.0.0/24", via: Self.firewallAddress)
        try nearRouter.route("10.4.0.0/24", via: Self.firewallAddress)
        try firewall.route("10.1.0.0/24", via: "10.2.0.1")
        try firewall.route("10.4.0.0/24", via: "10.3.0.2")
        try farRouter.route("10.1.0.0/24", via: "10.3.0.1")
        try farRouter.route("10.2.0.0/24", via: "10.3.0.1")
        try server.route("default", via: "10.4.0.1")
        if ipv6 {
            try client.route("default", via: "fd00:1::254")
            try nearRouter.route("fd00:3::/64", via: "fd00:2::2")
            try nearRouter.route("fd00:4::/64", via: "fd00:2::2")
            try firewall.route("fd00:1::/64", via: "fd00:2::1")
            try firewall.route("fd00:4::/64", via: "fd00:3::2")
            try farRouter.route("fd00:1::/64", via: "fd00:3::1")
            try farRouter.route("fd00:2::/64", via: "fd00:3::1")
            try server.route("default", via: "fd00:4::1")
        }
    }

    private static func rules(policy: Policy, translation: Translation) -> String {
        let ssh =
            switch policy {
            case .reject: "tcp dport 22 reject with tcp reset"
            case .drop: "tcp dport 22 drop"
            case .accept: "accept"
            }
        var rules = """
            table inet filter {
                chain forward {
                    type filter hook forward priority filter; policy accept;
                    \(ssh)
                }
            }

            """
        switch translation {
        case .none:
            break
        case .masquerade:
            rules += """
                table ip nat {
                    chain postrouting {
                        type nat hook postrouting priority srcnat;
                        oifname "\(serverSide)" masquerade
                    }
                }

                """
        case .destination:
            rules += """
                table ip nat {
                    chain prerouting {
                        type nat hook prerouting priority dstnat;
                        iifname "\(clientSide)" tcp dport 2323 dnat to \(serverAddress):23
                    }
                }

                """
        }
        return rules
    }
}
