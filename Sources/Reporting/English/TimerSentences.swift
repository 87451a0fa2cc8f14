// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

/// The words about a silence that equals a documented default.
enum TimerSentences {
    /// `equals the default of AWS Network Load Balancer (60 to 6000 s configurable) or AWS NAT gateway`; `nil` where
    /// there is none.
    static func equals(_ timers: [KnownTimers.Timer]) -> String? {
        guard !timers.isEmpty else { return nil }
        return "equals the default of " + timers.map(\.device).joined(separator: " or ")
    }

    static func name(_ service: KnownTimers.ProtocolService) -> String {
        switch service {
        case .bgp: "BGP's hold time (RFC 4271)"
        case .bgpOfIOS: "BGP's hold time (Cisco IOS)"
        case .bgpInitial: "BGP's initial hold time"
        case .ldpKeepalive: "LDP's keepalive time"
        case .ldp: "LDP's session hold time"
        case .msdp: "MSDP's hold time"
        case .apacheOrNode: "the keep-alive timeout of Apache httpd or Node.js"
        case .tomcat: "the keep-alive timeout of Apache Tomcat"
        case .awsBalancer: "the idle timeout of AWS Application Load Balancers"
        case .nginx: "the keep-alive timeout of nginx"
        case .iis: "the connection timeout of IIS"
        }
    }
}
