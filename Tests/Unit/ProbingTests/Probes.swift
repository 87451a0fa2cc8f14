// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fixtures
import Packets
import Probing

/// A packet of each kind, and a matcher that knows them.
struct Probes {
    var isIPv6: Bool
    var syn: ProbeDatagram
    var echo: ProbeDatagram
    var udp: ProbeDatagram
    var matcher: ProbeMatcher

    static let sequence: UInt32 = 0xcafe_babe
    static let token: UInt32 = 0x1234_5678

    init(isIPv6: Bool) {
        self.isIPv6 = isIPv6
        let (you, host): (IPAddress, IPAddress) = isIPv6 ? (.client6, .server6) : (.client, .server)
        func datagram(_ source: UInt16, _ destination: UInt16, _ payload: ProbeDatagram.Payload) -> ProbeDatagram {
            ProbeDatagram(
                source: you, destination: host, ttl: 3, identification: 0x4242, flowLabel: 0x54321, sourcePort: source,
                destinationPort: destination, payload: payload)
        }
        syn = datagram(40_001, 22, .syn(sequence: Self.sequence))
        echo = datagram(0x7777, 0, .echo(sequence: 0x99, token: Self.token, checksum: 0xbeef))
        udp = datagram(40_002, 33_434, .udp(checksum: 0xabcd))
        matcher = ProbeMatcher(ProbeOptions(target: host, port: 22), source: you)
        matcher.expect(syn, as: 0)
        matcher.expect(echo, as: 1)
        matcher.expect(udp, as: 2)
    }

    /// An IP header that answers.
    func from(_ source: IPAddress? = nil, ttl: UInt8 = 62) -> FrameBuilder {
        isIPv6
            ? FrameBuilder.bareIP.ipv6(source ?? .server6, .client6, hopLimit: ttl)
            : FrameBuilder.bareIP.ipv4(source ?? .server, .client, ttl: ttl)
    }

    var router: IPAddress { IPAddress(isIPv6 ? "2001:db8:3::1" : "10.3.0.1") ?? .server }

    /// An ICMP error that quotes `bytes`.
    func error(time exceeded: Bool, code: UInt8 = 0, quoting bytes: [UInt8], from source: IPAddress? = nil) -> [UInt8] {
        let type: UInt8 = isIPv6 ? (exceeded ? 3 : 1) : (exceeded ? 11 : 3)
        return from(source ?? router).icmp(type: type, code: code).payload(bytes).bytes
    }

    /// The echo's reply: what came after the identifier goes back as it was.
    func reply(token: UInt32 = Probes.token, identifier: UInt16 = 0x7777, sequence: UInt16 = 0x99) -> [UInt8] {
        var payload = withUnsafeBytes(of: token.bigEndian) { Array($0) }
        payload += [0, 0, 0, 0]
        return from().echo(reply: true, identifier: identifier, sequence: sequence).payload(payload).bytes
    }
}
