// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Reporting

@Suite("Sentences of ICMP errors")
struct ICMPSentencesTests {
    private static let firewall = IPAddress(v4: 0x0a02_0002)
    private static let server = IPAddress(v4: 0x0a04_0002)
    private static let client = IPAddress(v4: 0x0a01_0001)

    /// One line of the golden file.
    struct Case {
        var type: UInt8
        var code: UInt8
        var isIPv6 = false
        var from = ICMPSentencesTests.firewall
        var hop = 2
        var transport = TransportProtocol.tcp
        var ports: (UInt16, UInt16) = (50992, 22)
        var isAnswer = false
        var gateway: IPAddress?
        var mtu: Int?
        var evidence: [EvidenceName] = []
    }

    private static let cases: [Case] = [
        Case(type: 3, code: 13), Case(type: 1, code: 1, isIPv6: true), Case(type: 3, code: 10, hop: 0),
        Case(type: 3, code: 13, from: server, hop: 4), Case(type: 3, code: 13, from: server, evidence: [.ttlHost]),
        Case(type: 3, code: 13, transport: .icmp, ports: (7, 7)), Case(type: 3, code: 13, evidence: [.noFlow]),
        Case(type: 3, code: 13, evidence: [.outsideWindow]), Case(type: 3, code: 13, evidence: [.wentOn]),
        Case(type: 3, code: 13, evidence: [.others]), Case(type: 3, code: 3),
        Case(type: 3, code: 3, from: server, hop: 4, transport: .udp, ports: (40000, 53)),
        Case(type: 3, code: 3, transport: .udp, ports: (40000, 53)),
        Case(type: 3, code: 3, from: client, hop: 1, transport: .udp, ports: (40000, 53), isAnswer: true),
        Case(type: 3, code: 3, from: server, hop: 4, transport: .udp, ports: (40000, 33440), evidence: [.traced]),
        Case(type: 3, code: 2, from: server, hop: 4, transport: .other, ports: (0, 0)), Case(type: 3, code: 1, hop: 3),
        Case(type: 3, code: 1, hop: 0), Case(type: 3, code: 0), Case(type: 3, code: 0, hop: 0),
        Case(type: 3, code: 11), Case(type: 3, code: 4, mtu: 1300), Case(type: 3, code: 4),
        Case(type: 3, code: 4, mtu: 1300, evidence: [.wentOn]),
        Case(type: 3, code: 4, mtu: 1300, evidence: [.sentAgain]),
        Case(type: 2, code: 0, isIPv6: true, mtu: 1280, evidence: [.sentAgain]), Case(type: 11, code: 0),
        Case(type: 11, code: 0, evidence: [.traced]), Case(type: 11, code: 0, evidence: [.looped]),
        Case(type: 11, code: 1, from: server, hop: 4),
        Case(type: 5, code: 1, hop: 1, gateway: IPAddress(v4: 0x0a01_0003)),
        Case(type: 5, code: 1, hop: 1, gateway: IPAddress(v4: 0x0a01_0003), evidence: [.toldAgain]),
        Case(type: 137, code: 0, isIPv6: true, hop: 1, gateway: server),
        Case(type: 5, code: 1, hop: 3, gateway: IPAddress(v4: 0x0a01_0003), evidence: [.implausible]),
        Case(type: 12, code: 0), Case(type: 4, code: 0), Case(type: 3, code: 99),
    ]

    private func finding(_ example: Case) -> Finding {
        let there = FiveTuple(
            source: Self.client, sourcePort: example.ports.0, destination: Self.server,
            destinationPort: example.ports.1, transport: example.transport)
        var error = Finding.ICMPError(
            type: example.type, code: example.code, isIPv6: example.isIPv6, from: example.from, hop: example.hop,
            quoted: example.isAnswer ? there.reversed : there)
        error.to = Self.client
        error.gateway = example.gateway
        error.mtu = example.mtu
        error.clientIsSource = !example.isAnswer
        if error.reason == .parameterProblem { error.octet = 20 }
        if example.transport == .other { error.protocolNumber = 47 }
        return Finding(
            id: "01JABCDEFGHJKMNPQRSTVWXYZ0", fiveTuple: there, details: .icmpError(error),
            evidence: example.evidence.map {
                Evidence(name: $0.rawValue, weight: 0, observed: "5", text: "it is said here")
            })
    }

    @Test("Every reason, and what is known beside it")
    func all() throws {
        let text = Self.cases.map { example in
            let finding = finding(example)
            let evidence = example.evidence.map { " \($0.rawValue)" }.joined()
            return "\(finding.icmpError?.reason.rawValue ?? "")\(evidence)\n  \(finding.summary)\n  \(finding.advice)\n"
        }
        try expectGolden(text.joined(), "icmp-sentences")
    }

    @Test("JSON has the contract's fields, and is read as it was written")
    func json() throws {
        for example in Self.cases {
            let finding = finding(example)
            let line = JSONLines.line(finding)
            let decoded = try #require(JSONLines.decode(line))
            #expect(JSONLines.line(decoded) == line)
            #expect(decoded.icmpError?.clientIsSource == finding.icmpError?.clientIsSource)
        }
        let line = JSONLines.line(finding(Self.cases[21]))
        #expect(
            line.contains(
                #""icmp":{"type":3,"code":4,"version":4,"reason":"fragmentation_needed","from":"10.2.0.2","hop":2,"#
                    + #""to":"10.1.0.1","mtu":1300,"quoted":{"src":"10.1.0.1","src_port":50992,"dst":"10.4.0.2","#
                    + #""dst_port":22}},"count":1"#))
    }

    @Test("The text names the reason, and no port where there is none")
    func text() {
        var report = TextReport()
        #expect(
            report.text(finding(Self.cases[0])).contains("10.1.0.1:50992 > 10.4.0.2:22  icmp_error, admin_prohibited\n")
        )
        #expect(
            report.text(finding(Self.cases[15])).contains("10.1.0.1 > 10.4.0.2  icmp_error, protocol_unreachable\n"))
    }
}
