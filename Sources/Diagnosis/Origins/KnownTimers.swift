// SPDX-License-Identifier: Apache-2.0

/// Default idle timers of devices and protocols, as their makers document them.
///
/// A default is a hint: most can be configured, so a gap of that length equals a default and names nobody. Data: an
/// entry each.
package enum KnownTimers {
    /// The end of an idle connection at a device.
    package enum Expiry: Sendable {
        /// Forgets the connection and drops what comes after; nobody is told.
        case drops
        /// Resets both ends when the time is over.
        case resetsBoth
        /// Resets whoever sends the next packet.
        case resetsNextSender
        /// Drops by default, and resets where it is configured to.
        case dropsOrResets

        fileprivate var mayReset: Bool { self != .drops }
        fileprivate var mayDrop: Bool { self == .drops || self == .dropsOrResets }
    }

    /// The state of the connection that a timer is for.
    package enum State: Sendable {
        case established
        /// One side has closed.
        case halfClosed
    }

    package struct Timer: Sendable {
        package var seconds: Double
        package var device: String
        package var expiry: Expiry
        /// The values that it can be set to, seconds; `nil` where it is fixed.
        package var range: ClosedRange<Double>?
        package var state = State.established
        package var source: String
        /// The year and month in which the source was read.
        package var read = "2026-12"
    }

    package static let all: [Timer] = [
        Timer(
            seconds: 240, device: "Azure Load Balancer", expiry: .dropsOrResets, range: 240...6000,
            source: "learn.microsoft.com/azure/load-balancer/load-balancer-tcp-reset: resets both ends if enabled"),
        Timer(
            seconds: 240, device: "Azure NAT gateway", expiry: .resetsNextSender, range: 240...7200,
            source: "learn.microsoft.com/azure/nat-gateway/nat-gateway-resource: idle timeout timers"),
        Timer(
            seconds: 240, device: "Azure Firewall", expiry: .dropsOrResets, range: 240...900,
            source: "learn.microsoft.com/azure/firewall/tcp-session-behavior: north-south; 300 s east-west"),
        Timer(
            seconds: 350, device: "AWS Network Load Balancer", expiry: .resetsNextSender, range: 60...6000,
            source: "docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html"),
        Timer(
            seconds: 350, device: "AWS NAT gateway", expiry: .resetsNextSender,
            source: "docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html"),
        Timer(
            seconds: 350, device: "AWS Gateway Load Balancer", expiry: .drops, range: 60...6000,
            source: "docs.aws.amazon.com/elasticloadbalancing/latest/gateway/update-idle-timeout.html"),
        Timer(
            seconds: 350, device: "AWS Network Firewall", expiry: .drops, range: 60...6000,
            source: "docs.aws.amazon.com/network-firewall/latest/APIReference/API_FlowTimeouts.html"),
        Timer(
            seconds: 350, device: "EC2 connection tracking (Nitro v6)", expiry: .drops, range: 60...432_000,
            source: "docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ConnectionTrackingConfiguration.html"),
        Timer(
            seconds: 432_000, device: "EC2 connection tracking", expiry: .drops, range: 60...432_000,
            source: "docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ConnectionTrackingConfiguration.html"),
        Timer(
            seconds: 600, device: "GCP VPC connection tracking", expiry: .drops,
            source: "cloud.google.com/compute/docs/troubleshooting/general-tips: idle connections"),
        Timer(
            seconds: 1200, device: "GCP Cloud NAT", expiry: .drops, range: 30...86_400,
            source: "cloud.google.com/nat/docs/tune-nat-configuration: TCP established idle timeout"),
        Timer(
            seconds: 300, device: "F5 BIG-IP (FastL4)", expiry: .resetsBoth, range: 1...86_400,
            source: "clouddocs.f5.com, AS3 schema L4_Profile: idleTimeout 300, resetOnTimeout true"),
        Timer(
            seconds: 1800, device: "Juniper SRX", expiry: .drops, range: 4...86_400,
            source: "supportportal.juniper.net KB34994: TCP session timeout"),
        Timer(
            seconds: 1200, device: "Huawei USG", expiry: .dropsOrResets, range: 1...65_535,
            source: "support.huawei.com: firewall session aging-time, TCP"),
        Timer(
            seconds: 3600, device: "FortiGate", expiry: .dropsOrResets, range: 300...2_764_800,
            source: "community.fortinet.com ta-p/194357: session-ttl; resets with timeout-send-rst"),
        Timer(
            seconds: 3600, device: "PAN-OS", expiry: .drops, range: 1...15_999_999,
            source: "docs.paloaltonetworks.com: session timeouts, TCP"),
        Timer(
            seconds: 3600, device: "Cisco ASA or FTD", expiry: .dropsOrResets, range: 300...4_294_800,
            source: "Cisco ASA command reference: timeout conn; set connection timeout idle … reset"),
        Timer(
            seconds: 7200, device: "NSX gateway firewall", expiry: .drops, range: 120...4_320_000,
            source: "docs.vmware.com NSX 4.1: default session timer values"),
        Timer(
            seconds: 43_200, device: "NSX distributed firewall", expiry: .drops, range: 120...4_320_000,
            source: "docs.vmware.com NSX 4.1: default session timer values"),
        Timer(
            seconds: 900, device: "IPVS", expiry: .resetsNextSender, range: 1...2_147_483,
            source: "tcp_timeouts in net/netfilter/ipvs/ip_vs_proto_tcp.c; the director's own kernel then answers"),
        Timer(
            seconds: 120, device: "IPVS (FIN_WAIT)", expiry: .resetsNextSender, range: 1...2_147_483,
            state: .halfClosed, source: "tcp_timeouts in net/netfilter/ipvs/ip_vs_proto_tcp.c"),
        Timer(
            seconds: 60, device: "IPVS (CLOSE_WAIT)", expiry: .resetsNextSender, state: .halfClosed,
            source: "tcp_timeouts in net/netfilter/ipvs/ip_vs_proto_tcp.c"),
        Timer(
            seconds: 432_000, device: "Linux conntrack", expiry: .dropsOrResets, range: 1...2_147_483,
            source: "tcp_timeouts in net/netfilter/nf_conntrack_proto_tcp.c: ESTABLISHED"),
        Timer(
            seconds: 300, device: "Linux conntrack (unacknowledged data)", expiry: .dropsOrResets,
            range: 1...2_147_483, source: "tcp_timeouts in net/netfilter/nf_conntrack_proto_tcp.c: UNACK"),
        Timer(
            seconds: 120, device: "Linux conntrack (FIN_WAIT)", expiry: .dropsOrResets, range: 1...2_147_483,
            state: .halfClosed, source: "tcp_timeouts in net/netfilter/nf_conntrack_proto_tcp.c: FIN_WAIT"),
        Timer(
            seconds: 60, device: "Linux conntrack (CLOSE_WAIT)", expiry: .dropsOrResets, range: 1...2_147_483,
            state: .halfClosed, source: "tcp_timeouts in net/netfilter/nf_conntrack_proto_tcp.c: CLOSE_WAIT"),
        Timer(
            seconds: 3600, device: "Calico (eBPF)", expiry: .drops,
            source: "felix/bpf/conntrack/timeouts, TCPEstablished"),
    ]

    /// A timer fires on the first packet after its time, which may come any time later; a repeated gap of its very
    /// length points at it.
    ///
    /// Within this part of the timer's length the gap matches.
    private static let tolerance = 0.02

    /// The devices whose default a silence equals that ended with a reset.
    package static func resetting(after seconds: Double, in state: State = .established) -> [Timer] {
        all.filter { $0.state == state && $0.expiry.mayReset && matches(seconds, $0.seconds) }
    }

    /// The devices whose default a silence equals after which packets were lost without a word.
    package static func dropping(after seconds: Double, in state: State = .established) -> [Timer] {
        all.filter { $0.state == state && $0.expiry.mayDrop && matches(seconds, $0.seconds) }
    }

    /// True where a gap points at a timer, both in seconds.
    package static func matches(_ gap: Double, _ timer: Double) -> Bool {
        gap >= timer * (1 - tolerance) && gap <= timer * (1 + tolerance) + 2
    }

    // MARK: Protocols

    /// The protocols and servers that close silent connections by themselves.
    package enum ProtocolService: Sendable {
        case bgp, bgpOfIOS, bgpInitial, ldpKeepalive, ldp, msdp, apacheOrNode, tomcat, awsBalancer, nginx, iis
    }

    /// A time after which one end of a connection closes it by itself.
    package struct ProtocolTimer: Sendable {
        package var seconds: Double
        package var service: ProtocolService
        package var ports: [UInt16]
        package var source: String
    }

    private static let web: [UInt16] = [80, 443, 3000, 5000, 8000, 8080, 8443]

    package static let protocols: [ProtocolTimer] = [
        ProtocolTimer(
            seconds: 90, service: .bgp, ports: [179], source: "RFC 4271, 10; IOS XR, JunOS, FRR"),
        ProtocolTimer(
            seconds: 180, service: .bgpOfIOS, ports: [179], source: "IOS: timers bgp 60 180"),
        ProtocolTimer(
            seconds: 240, service: .bgpInitial, ports: [179], source: "RFC 4271, 8.2.2: 4 minutes"),
        ProtocolTimer(
            seconds: 40, service: .ldpKeepalive, ports: [646], source: "JunOS: keepalive-timeout; RFC 5036, 3.5.3"
        ),
        ProtocolTimer(
            seconds: 180, service: .ldp, ports: [646], source: "IOS: mpls ldp holdtime"),
        ProtocolTimer(
            seconds: 75, service: .msdp, ports: [639], source: "RFC 3618, 5.5"),
        ProtocolTimer(
            seconds: 5, service: .apacheOrNode, ports: web,
            source: "httpd: KeepAliveTimeout; nodejs.org: server.keepAliveTimeout"),
        ProtocolTimer(
            seconds: 20, service: .tomcat, ports: web,
            source: "tomcat.apache.org: connectionTimeout in the shipped server.xml"),
        ProtocolTimer(
            seconds: 60, service: .awsBalancer, ports: web,
            source: "docs.aws.amazon.com: idle_timeout.timeout_seconds"),
        ProtocolTimer(
            seconds: 75, service: .nginx, ports: web, source: "nginx.org: keepalive_timeout"),
        ProtocolTimer(
            seconds: 120, service: .iis, ports: web,
            source: "learn.microsoft.com: IIS limits, connectionTimeout"),
    ]

    /// The timers of the service's protocol that a silence equals.
    package static func ofProtocol(at port: UInt16, after seconds: Double) -> [ProtocolTimer] {
        protocols.filter { $0.ports.contains(port) && matches(seconds, $0.seconds) }
    }

    /// True where the protocol of that port ends a session by itself after such a silence: BGP, LDP and MSDP do.
    package static func isHeld(at port: UInt16, for seconds: Double) -> Bool {
        [179, 639, 646].contains(port) && !ofProtocol(at: port, after: seconds).isEmpty
    }
}
