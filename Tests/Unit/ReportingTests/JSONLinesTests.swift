// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Reporting
import Testing

@Suite struct JSONLinesTests {
    @Test func aFullFindingHasTheContractsFieldsInItsOrder() throws {
        var finding = try sampleFinding()
        finding.time = 1_700_000_000_000_000_007
        finding.frame = 8
        finding.file = "a b.pcap"
        finding.reset?.hostHop = 4
        finding.confidence = 0.98213
        finding.reset?.idleSeconds = 350.2
        finding.reset?.vlan = 100
        finding.reset?.nextHopMAC = "02:00:00:00:00:01"
        finding.vantage = Finding.Vantage(host: "fw1", interface: "eth0", hook: "tc", direction: "in")
        finding.evidence = [
            Evidence(
                name: "ttl_host", weight: 4, observed: "63 (64-1)", expected: "61 (64-3), 4 samples", text: "Nearer.")
        ]
        let expected =
            #"{"schema":2,"kind":"reset","id":"01JABCDEFGHJKMNPQRSTVWXYZ0","revision":0,"time":"2023-11-14T22:13:20.000000007Z","#
            + #""frame":8,"file":"a b.pcap","src":"10.4.0.2","src_port":22,"dst":"10.1.0.1","dst_port":50992,"#
            + #""service_port":22,"flags":"RA","ttl":63,"seq":0,"ack":1641646915,"sender":"middlebox","hop":2,"host_hop":4,"#
            + #""confidence":0.982,"cause":"rejected","stage":"syn","idle_seconds":350.2,"vlan":100,"#
            + #""next_hop_mac":"02:00:00:00:00:01","packet_key":"9f3c","count":1,"#
            + #""vantage":{"host":"fw1","interface":"eth0","hook":"tc","direction":"in"},"#
            + #""evidence":[{"name":"ttl_host","weight":4.0,"observed":"63 (64-1)","#
            + #""expected":"61 (64-3), 4 samples","text":"Nearer."}],"#
            + #""problem":true,"headline":"#
        let line = JSONLines.line(finding)
        #expect(line.hasPrefix(expected))
        #expect(line.hasSuffix("}\n"))
    }

    @Test func whatIsNotKnownIsAbsent() throws {
        let finding = try sampleFinding(sender: .undetermined, cause: .unknown)
        let line = JSONLines.line(finding)
        for name in [
            "time", "frame", "file", "host_hop", "confidence", "idle_seconds", "vlan", "next_hop_mac", "vantage",
        ] {
            #expect(!line.contains("\"\(name)\""), "\(name)")
        }
        #expect(!line.contains("null"))
        #expect(line.contains(#""evidence":[],"problem":false,"headline""#))
    }

    @Test func hostileTextStaysOnOneLineAndIsEscaped() throws {
        var finding = try sampleFinding()
        let text = "a\"b\\c\nd\r\t\u{0}\u{1b}[2J\u{7f}\u{9b}é\u{1F600}"
        finding.evidence = [Evidence(name: "n", weight: 1, text: text)]
        let line = JSONLines.line(finding)
        #expect(line.contains(#""text":"a\"b\\c\nd\r\t\u0000\u001b[2J\u007f\u009bé😀""#))
        #expect(line.utf8.filter { $0 == 0x0a }.count == 1)
        #expect(JSONLines.decode(line)?.evidence.first?.text == text)
    }

    @Test func bytesThatAreNotUTF8BecomeReplacementCharacters() throws {
        var finding = try sampleFinding()
        finding.file = String(decoding: [0x61, 0xff, 0x62] as [UInt8], as: UTF8.self)
        #expect(JSONLines.line(finding).contains("\"file\":\"a\u{fffd}b\""))
    }

    @Test func addressesAreRFC5952() throws {
        var finding = try sampleFinding()
        finding.fiveTuple.source = try #require(IPAddress("2001:0db8:0:0:1:0:0:1"))
        #expect(JSONLines.line(finding).contains(#""src":"2001:db8::1:0:0:1""#))
    }

    @Test func numbersThatAreNotFiniteAreLeftOut() throws {
        var finding = try sampleFinding()
        finding.confidence = .nan
        finding.reset?.idleSeconds = .infinity
        let line = JSONLines.line(finding)
        #expect(!line.contains("confidence"))
        #expect(!line.contains("idle_seconds"))
    }

    @Test(arguments: [
        (0.5, "0.5"), (0.9996, "0.999"), (1.0, "0.999"), (0.98, "0.98"), (0.0004, "0.0"), (0.1234, "0.123"),
    ])
    func confidenceIsRounded(value: Double, text: String) throws {
        var finding = try sampleFinding()
        finding.confidence = value
        #expect(JSONLines.line(finding).contains("\"confidence\":\(text),"))
    }

    @Test(arguments: [(4.0, "4.0"), (-2.5, "-2.5"), (-0.004, "0.0"), (1.386, "1.39"), (1e300, "1000000000000.0")])
    func weightsAreDecimals(value: Double, text: String) throws {
        var finding = try sampleFinding()
        finding.evidence = [Evidence(name: "n", weight: value, text: "t")]
        #expect(JSONLines.line(finding).contains("\"weight\":\(text),"))
    }

    @Test func aDecodedFindingIsTheSame() throws {
        var finding = try sampleFinding(sender: .hostKernel, cause: .portClosed)
        finding.revision = 2
        finding.time = 1_700_000_000_123_456_789
        finding.reset?.flags = [.fin, .syn, .rst, .psh, .ack, .urg, .ece, .cwr]
        finding.vantage = Finding.Vantage(interface: "eth0")
        finding.evidence = [Evidence(name: "n", weight: -1.5, observed: "o", text: "t")]
        let line = JSONLines.line(finding)
        let decoded = try #require(JSONLines.decode(line))
        #expect(JSONLines.line(decoded) == line)
        #expect(decoded.time == finding.time)
    }

    @Test func theAgentsSentencesAreKept() throws {
        var finding = try sampleFinding(cause: .idleTimeout)
        finding.reset?.stage = .idle
        finding.reset?.hostHop = 4
        finding.reset?.hostSamples = 7
        finding.reset?.originAddress = IPAddress("10.2.0.1")
        finding.reset?.originIdleTimer = 350
        finding.reset?.serverIsSource = false
        let line = JSONLines.line(finding)
        let decoded = try #require(JSONLines.decode(line))
        #expect(decoded.reset?.hostSamples == nil)
        #expect(JSONLines.line(decoded) == line)
        #expect(decoded.servicePort == 50992)
        var (here, there) = (TextReport(), TextReport())
        #expect(here.text(finding) == there.text(decoded))
        // Without them they are made anew.
        let old = line.replacing("\"summary\"", with: "\"other\"")
        #expect(try #require(JSONLines.decode(old)).summary != finding.summary)
    }

    /// A number that no agent sends, in the place of one that it does.
    @Test(arguments: [
        ("\"confidence\":0.9,", "\"confidence\":1e300,"), ("\"confidence\":0.9,", "\"confidence\":-0.1,"),
        ("\"idle_seconds\":350.2,", "\"idle_seconds\":1e300,"), ("\"idle_seconds\":350.2,", "\"idle_seconds\":-1,"),
        ("\"count\":1,", "\"count\":9223372036854775807,"), ("\"count\":1,", "\"count\":0,"),
        ("\"hop\":2,", "\"hop\":257,"), ("\"hop\":2,", "\"hop\":-1,"),
        ("\"host_hop\":4,", "\"host_hop\":9223372036854775807,"), ("\"revision\":0,", "\"revision\":-1,"),
        ("\"service_port\":22,", "\"service_port\":23,"),
    ])
    func numbersThatNoFindingHasAreNotTaken(right: String, wrong: String) throws {
        var finding = try sampleFinding()
        finding.confidence = 0.9
        finding.reset?.idleSeconds = 350.2
        finding.reset?.hostHop = 4
        let line = JSONLines.line(finding)
        #expect(JSONLines.decode(line) != nil)
        #expect(line.contains(right))
        #expect(JSONLines.decode(line.replacing(right, with: wrong)) == nil)
    }

    @Test(arguments: [1e300, -1e300, .nan, .infinity])
    func noNumberTrapsInASentence(value: Double) throws {
        var finding = try sampleFinding(cause: .idleTimeout)
        finding.reset?.stage = .idle
        finding.confidence = value
        finding.reset?.idleSeconds = value
        finding.reset?.originIdleTimer = value
        var report = TextReport()
        #expect(report.text(finding).contains("ends connections after about"))
    }

    @Test(arguments: ["", "{}", "[]", "null", #"{"kind":"reset"}"#])
    func whatIsNoFindingIsNotDecoded(text: String) {
        #expect(JSONLines.decode(text) == nil)
    }

    @Test func anUnknownSenderIsNotDecoded() throws {
        let line = JSONLines.line(try sampleFinding())
        #expect(JSONLines.decode(line) != nil)
        #expect(JSONLines.decode(line.replacing("middlebox", with: "gremlin")) == nil)
        #expect(JSONLines.decode(line.replacing("\"RA\"", with: "\"RX\"")) == nil)
        #expect(JSONLines.decode(line.replacing("10.4.0.2", with: "10.4.0.256")) == nil)
    }

    /// One finding of each kind that is not a reset's.
    private static func others() throws -> [Finding.Details] {
        let quoted = try sampleFinding().fiveTuple
        let router = try #require(IPAddress("10.2.0.2"))
        var error = Finding.ICMPError(type: 3, code: 4, isIPv6: false, from: router, hop: 2, quoted: quoted)
        error.mtu = 1400
        var path = Finding.Path(cause: .ackNotDelivered)
        path.repeated = .synACK
        path.copies = 2
        path.seconds = [0, 1, 3.004]
        path.ports = [22, 443]
        path.redirect = Finding.Path.Redirect(from: router, gateway: quoted.source)
        path.isAcknowledgedHere = true
        path.hasOtherWayBack = true
        var stall = Finding.Path(cause: .noAnswer)
        stall.repeated = .data
        stall.answers = .otherPort(80)
        stall.bytes = 1448
        stall.isFromServer = true
        stall.isOnlyLarge = true
        stall.answerPasses = true
        var loss = Finding.Path(cause: .loss)
        loss.repeated = .syn
        loss.recoveredSeconds = 1.004
        return [
            .path(Finding.Path(cause: .ackNotDelivered)), .path(path), .path(stall), .path(loss),
            .pathChange(Finding.PathChange(hop: 3, hostHop: 4, hosts: 2)),
            .icmpError(error), .notice(Finding.Notice(cause: .ttlRewritten)),
        ]
    }

    @Test func everyKindIsReadAsItWasWritten() throws {
        for details in try Self.others() {
            var finding = try sampleFinding()
            finding.details = details
            let line = JSONLines.line(finding)
            #expect(!line.contains("\"sender\""))
            let decoded = try #require(JSONLines.decode(line))
            #expect(decoded.kind == finding.kind)
            #expect(decoded.causeName == finding.causeName)
            #expect(JSONLines.line(decoded) == line)
            #expect(JSONLines.decode(line.replacing("\"\(finding.kind.rawValue)\"", with: "\"reset\"")) == nil)
        }
    }
}
