// SPDX-License-Identifier: Apache-2.0
import Diagnosis
@testable import Explanation
import Packets
import Testing

@testable import Reporting

/// The operator's names in every sentence; without them the addresses.
@Suite("Names of places")
struct NamingTests {
    private static let client = IPAddress(v4: 0x0a01_0001)
    private static let server = IPAddress(v4: 0x0a04_0002)
    private static let firewall = IPAddress(v4: 0x0a02_0002)
    private static let gateway = IPAddress(v4: 0x0a01_0003)

    private static func entry(
        _ name: String, _ owner: String? = nil, mac: String? = nil, address: IPAddress? = nil, hop: Int? = nil
    ) -> DeviceNames.Entry {
        var device = KnownDevice(name: name)
        device.owner = owner
        return DeviceNames.Entry(device: device, mac: mac, address: address, prefix: nil, hop: hop)
    }

    private static let names = DeviceNames([
        entry("web1", "webteam", address: server), entry("fw-dc1", "netops", address: firewall),
        entry("gw1", address: gateway), entry("edge", mac: "02:00:00:00:00:01"), entry("core", hop: 3),
    ])
    private static let strangers = DeviceNames([entry("stranger", "nobody", address: IPAddress(v4: 0x0a09_0009))])

    private func named(_ finding: Finding, _ names: DeviceNames = names) -> Finding {
        var finding = finding
        names.name(&finding)
        return finding
    }

    private func path(_ cause: Finding.PathCause, _ change: (inout Finding.Path) -> Void = { _ in }) throws -> Finding {
        var path = Finding.Path(cause: cause)
        path.repeated = .synACK
        path.seconds = [0, 1]
        path.copies = 1
        path.ports = [22]
        change(&path)
        var finding = try sampleFinding()
        finding.fiveTuple = finding.fiveTuple.reversed
        finding.details = .path(path)
        return finding
    }

    private func icmp(_ type: UInt8, _ code: UInt8, from: IPAddress, hop: Int = 2) throws -> Finding {
        var finding = try sampleFinding()
        finding.fiveTuple = finding.fiveTuple.reversed
        finding.details = .icmpError(
            Finding.ICMPError(
                type: type, code: code, isIPv6: false, from: from, hop: hop, quoted: finding.fiveTuple))
        return finding
    }

    /// One finding of each kind that mentions the server.
    private func all() throws -> [Finding] {
        var change = try sampleFinding()
        change.details = .pathChange(Finding.PathChange(hop: 5, hostHop: 4))
        let crossing = Finding.LegGap(
            from: "here", to: "there", source: Self.client, destination: Self.server, firstKind: .ack,
            isFromClient: true)
        let kinds: [Finding.PathCause] = [
            .ackNotDelivered, .acceptQueueFull, .ackLostOrQueueFull, .noAnswer, .loss, .redirectIgnored,
            .replyBypasses, .oneWayHere,
        ]
        return try kinds.map { try path($0) } + [
            try sampleFinding(), try sampleFinding(sender: .hostKernel, cause: .portClosed),
            try sampleFinding(sender: .thisMachine), change, try icmp(3, 13, from: Self.firewall),
            try icmp(3, 1, from: Self.firewall), try icmp(3, 13, from: Self.server, hop: 4),
            try path(.droppedBetween) { $0.crossing = crossing },
            try path(.droppedHere) {
                $0.forwarding = Finding.Forwarding(
                    packet: .ack, isFromClient: true, packets: 3, reason: .replyNeverSeen)
            },
        ]
    }

    @Test func everyKindOfFindingNamesTheServer() throws {
        for plain in try all() {
            let text = named(plain).summary
            let whole = text.contains("web1 (10.4.0.2)") || text.contains("web1 (10.4.0.2:22)")
            #expect(whole, "\(text)")
            // Once with the address, then by the name.
            #expect(text.ranges(of: "10.4.0.2").count <= 2, "\(text)")
            let unnamed = named(plain, Self.strangers)
            #expect(unnamed.summary == plain.summary && unnamed.advice == plain.advice)
            #expect(!unnamed.summary.contains("stranger") && unnamed.places.isEmpty)
        }
    }

    @Test func whoeverRunsItIsAsked() throws {
        #expect(
            named(try icmp(3, 13, from: Self.firewall)).advice
                == "Ask netops, who runs fw-dc1 (10.2.0.2), to check its rules for tcp/22.")
        #expect(
            named(try icmp(3, 99, from: Self.firewall)).advice == "Ask netops, who runs fw-dc1 (10.2.0.2).")
        // A name without an owner is a name.
        #expect(
            named(try icmp(3, 13, from: Self.gateway, hop: 1)).advice
                == "Ask whoever runs gw1 (10.1.0.3) to check its rules for tcp/22.")
        let closed = named(try sampleFinding(sender: .hostKernel, cause: .portClosed))
        #expect(
            closed.advice
                == "Start the service on web1 (10.4.0.2), or use the right port. Ask webteam about web1.")
        var device = try sampleFinding()
        device.reset?.originAddress = Self.firewall
        #expect(named(device).advice == "Ask netops, who runs fw-dc1 at hop 2, to check its rules for tcp/22.")
    }

    @Test func commandsHaveAddresses() throws {
        let finding = named(try path(.noAnswer) { $0.repeated = .syn })
        #expect(finding.advice == "Run: rstwho probe 10.4.0.2:22")
        let settling = NextSteps.of(named(try sampleFinding(sender: .undetermined, cause: .unknown)))
        #expect(settling.contains { $0.hasPrefix("ping -c 4 10.4.0.2 ") })
        #expect(settling.contains { $0.contains("rstwho probe 10.4.0.2:22:") })
    }

    @Test func evidenceNamesWhatTheEngineCallsByAddress() throws {
        var finding = try path(.ackNotDelivered)
        finding.evidence = [
            Evidence(name: "redirect", weight: 2, text: "10.1.0.3 told the client to reach 10.4.0.2 by 10.2.0.2")
        ]
        finding = named(finding)
        var report = TextReport()
        // What the finding does not speak of has no name in it.
        #expect(report.text(finding).contains("10.1.0.3 told the client to reach web1 (10.4.0.2) by 10.2.0.2"))
        let line = JSONLines.line(finding)
        #expect(line.contains("reach web1 (10.4.0.2) by"))
        // Read back, it is not named twice.
        let read = try #require(JSONLines.decode(line))
        #expect(read.places == finding.places)
        #expect(JSONLines.line(read) == line)
        #expect(EvidenceText.sentence(read.evidence[0], of: read) == read.evidence[0].text)
    }

    @Test func aDrawnPathNamesItsStops() throws {
        var finding = try sampleFinding()
        finding.reset?.hostHop = 4
        finding.reset?.originAddress = Self.firewall
        finding.reset?.nextHopMAC = "02:00:00:00:00:01"
        let drawn = try #require(DrawnPath(of: named(finding), origins: [])).text(width: 200)
        #expect(
            drawn
                == "you ── edge ── [hop 2: sent the RST, fw-dc1 10.2.0.2] ── core ── web1 10.4.0.2 (hop 4, never asked)\n"
        )
        let plain = try #require(DrawnPath(of: named(finding, Self.strangers), origins: [])).text(width: 200)
        #expect(plain == "you ── ? ── [hop 2: sent the RST, 10.2.0.2] ── ? ── 10.4.0.2 (hop 4, never asked)\n")
    }

    @Test func anExplanationNamesWhomToTell() throws {
        var knowledge = Knowledge()
        var finding = try sampleFinding()
        finding.reset?.originAddress = Self.firewall
        knowledge.findings = [named(finding)]
        let text = Explanation(.address(Self.server), knowledge).text()
        #expect(text.contains("Message to netops, who runs fw-dc1 at hop 2"))
        #expect(text.contains("We see connections from 10.1.0.1 to web1 (10.4.0.2) tcp/22 refused with a TCP reset"))
        #expect(text.contains("Could you check whether a device of yours on this path"))
        #expect(text.contains("a filter on the path   most likely: fw-dc1 at hop 2"))
        knowledge.findings = [named(try sampleFinding(sender: .hostKernel, cause: .portClosed))]
        let host = Explanation(.address(Self.server), knowledge)
        #expect(host.message?.to == "webteam, who runs web1 (10.4.0.2)")
        #expect(host.action.hasSuffix("Ask webteam about web1."))
        #expect(host.message?.text.contains("Ask webteam") == false)
        knowledge.findings = [named(finding, Self.strangers)]
        #expect(
            Explanation(.address(Self.server), knowledge).text().contains("Message to whoever runs the device at hop 2")
        )
    }

    @Test func listsHaveNames() throws {
        var host = HostSummary(address: Self.server, firstSeen: 1, lastSeen: 2)
        host.samples = [(.echo, 1)]
        let hosts = Self.names.named([host])
        #expect(HostReport.text(hosts).hasPrefix("ADDRESS   NAME  HOP"))
        #expect(HostReport.text(hosts).contains("10.4.0.2  web1"))
        #expect(
            HostReport.decode(Array("{\"items\":[\(HostReport.line(hosts[0]))]}".utf8))?[0].device == hosts[0].device)
        #expect(HostReport.csv(hosts).hasSuffix(",web1,webteam\r\n"))
        let unnamed = Self.strangers.named([host])
        #expect(!HostReport.text(unnamed).contains("NAME") && !HostReport.line(unnamed[0]).contains("\"name\""))

        var path = PathSummary(network: Self.client, length: 24, server: Self.server, firstSeen: 1, lastSeen: 2)
        path.there = PathSummary.Way(from: "02:00:00:00:00:09", to: "02:00:00:00:00:01", connections: 1)
        let paths = Self.names.named([path])
        #expect(PathReport.text(paths).contains("web1 (10.4.0.2)"))
        #expect(PathReport.text(paths).contains("02:00:00:00:00:09 > edge (02:00:00:00:00:01)"))
        #expect(PathReport.decode(Array("{\"items\":[\(PathReport.line(paths[0]))]}".utf8)) == paths)
        #expect(PathReport.csv(paths).hasSuffix(",web1,webteam,,edge,,\r\n"))
        #expect(Self.strangers.named([path]) == [path])

        let resets = [named(try sampleFinding())]
        #expect(ResetReport.text(resets).contains("10.4.0.2:22  web1  10.1.0.1:50992"))
        #expect(!ResetReport.text([try sampleFinding()]).contains("NAME"))
    }

    @Test func aProbeNamesHostAndDevices() throws {
        var result = ProbeResult(target: Self.server, port: 22, state: .rejected, sender: .middlebox)
        (result.hops, result.hostHop, result.address) = (2...2, 4, Self.firewall)
        result.path = [[Self.gateway], [Self.firewall], []].enumerated().map { index, addresses in
            ProbeResult.Hop(number: index + 1, addresses: addresses, roundTrip: nil)
        }
        let plain = result
        Self.names.name(&result)
        #expect(
            result.summary
                == "The device at hop 2 (fw-dc1, owner netops, 10.2.0.2) sends the RST for tcp/22, not web1 (10.4.0.2), which is at hop 4."
        )
        #expect(result.advice == "Ask netops, who runs fw-dc1 at hop 2, to check its rules for tcp/22.")
        let text = ProbeReport(result).text(width: 200)
        #expect(
            text.contains(
                "you ── gw1 10.1.0.3 ── [hop 2: sent the RST, fw-dc1 10.2.0.2] ── core ── web1 10.4.0.2"))
        #expect(ProbeReport(result).json.contains(#""device":"fw-dc1","owner":"netops","target_name":"web1""#))
        var other = plain
        Self.strangers.name(&other)
        #expect(ProbeReport(other).text() == ProbeReport(plain).text())
        #expect(ProbeReport(other).json == ProbeReport(plain).json)
    }

    @Test func namesDoNotCommandTheTerminal() throws {
        let names = DeviceNames([Self.entry("web\u{1b}[2J\u{202e}1", "web\u{9b}2Jteam", address: Self.server)])
        var knowledge = Knowledge()
        knowledge.findings = [named(try sampleFinding(sender: .hostKernel, cause: .portClosed), names)]
        var report = TextReport()
        let texts = [
            Explanation(.address(Self.server), knowledge).text(), report.text(knowledge.findings[0]),
            ResetReport.text(knowledge.findings),
            JSONLines.line(knowledge.findings[0]),
        ]
        for text in texts {
            #expect(text.contains("web"))
            #expect(!text.unicodeScalars.contains { [0x1b, 0x9b, 0x202e].contains($0.value) }, "\(text)")
        }
    }
}
