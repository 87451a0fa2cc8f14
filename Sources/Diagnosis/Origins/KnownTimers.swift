// SPDX-License-Identifier: Apache-2.0

/// Idle timers of devices that reset connections, as their makers document them.
///
/// Data: a line each.
package enum KnownTimers {
    package struct Timer: Sendable {
        package var seconds: Double
        package var device: String
        package var source: String
    }

    package static let all: [Timer] = [
        Timer(
            seconds: 240, device: "Azure Load Balancer", source: "Microsoft: Load Balancer TCP reset and idle timeout"),
        Timer(seconds: 240, device: "Azure Firewall", source: "Microsoft: Azure Firewall FAQ"),
        Timer(
            seconds: 350, device: "AWS Network Load Balancer",
            source: "AWS: Network Load Balancers, connection idle timeout"),
        Timer(seconds: 350, device: "AWS NAT gateway", source: "AWS: NAT gateways, troubleshooting"),
        Timer(seconds: 1200, device: "GCP Cloud NAT", source: "Google: Cloud NAT, TCP established idle timeout"),
        Timer(seconds: 1200, device: "Huawei USG", source: "Huawei: USG session aging time"),
        Timer(seconds: 3600, device: "FortiGate", source: "Fortinet: session-ttl"),
        Timer(seconds: 3600, device: "Cisco ASA", source: "Cisco: timeout conn"),
        Timer(seconds: 3600, device: "PAN-OS", source: "Palo Alto Networks: session timeouts, TCP"),
        Timer(seconds: 432_000, device: "Linux conntrack", source: "nf_conntrack_tcp_timeout_established"),
    ]

    /// A timer fires on the first packet after its time, which may come any time later; a repeated gap of its very
    /// length points at it.
    ///
    /// Within this part of the timer's length the gap matches.
    private static let tolerance = 0.02

    /// The devices whose timer a gap of that length matches.
    package static func matching(_ seconds: Double) -> [Timer] {
        all.filter { matches(seconds, $0.seconds) }
    }

    /// True where a gap points at a timer, both in seconds.
    package static func matches(_ gap: Double, _ timer: Double) -> Bool {
        gap >= timer * (1 - tolerance) && gap <= timer * (1 + tolerance) + 2
    }
}
