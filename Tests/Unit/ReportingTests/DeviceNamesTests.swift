// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Reporting
import Testing

/// Tests of the operator's device names in findings and origins.
@Suite struct DeviceNamesTests {
    private func entry(
        _ name: String, mac: String? = nil, address: String? = nil, prefix: String? = nil, hop: Int? = nil,
        isExpected: Bool = false
    ) -> DeviceNames.Entry {
        var device = KnownDevice(name: name)
        device.owner = "netops"
        device.isExpected = isExpected
        return DeviceNames.Entry(
            device: device, mac: mac, address: address.flatMap { IPAddress($0) },
            prefix: prefix.flatMap { IPPrefix($0) },
            hop: hop)
    }

    private func named(_ finding: Finding, _ entries: DeviceNames.Entry...) -> Finding {
        var finding = finding
        DeviceNames(entries).name(&finding)
        return finding
    }

    @Test func allThatIsGivenHasToHold() throws {
        var finding = try sampleFinding()
        finding.reset?.nextHopMAC = "02:00:00:00:00:01"
        finding.reset?.originAddress = IPAddress("192.0.2.1")
        func name(_ entries: DeviceNames.Entry...) -> String? { DeviceNames(entries).device(for: finding)?.name }
        #expect(name(entry("a", hop: 2)) == "a")
        #expect(name(entry("a", hop: 3)) == nil)
        #expect(name(entry("a", prefix: "10.4.0.0/16")) == "a")
        #expect(name(entry("a", prefix: "10.4.0.0/16", hop: 3)) == nil)
        #expect(name(entry("a", prefix: "10.5.0.0/16", hop: 2)) == nil)
        #expect(name(entry("a", address: "192.0.2.1")) == "a")
        #expect(name(entry("a", address: "192.0.2.2")) == nil)
        // The next hop's own address is the neighbour's.
        #expect(name(entry("a", mac: "02:00:00:00:00:01")) == nil)
        #expect(name(entry("a", mac: "02:00:00:00:00:01", hop: 2)) == "a")
        #expect(name(entry("a", mac: "02:00:00:00:00:02", hop: 2)) == nil)
        #expect(name(entry("a", hop: 3), entry("b", hop: 2), entry("c", hop: 2)) == "b")
        finding.reset?.hop = 1
        #expect(name(entry("a", mac: "02:00:00:00:00:01")) == "a")
        // What a host sent itself has no device.
        #expect(DeviceNames([entry("a", hop: 2)]).device(for: try sampleFinding(sender: .hostKernel)) == nil)
    }

    @Test func sentencesNameTheDevice() throws {
        let finding = named(try sampleFinding(), entry("fw-dc1", hop: 2, isExpected: true))
        #expect(
            finding.summary.hasPrefix("A device at hop 2 (fw-dc1, owner netops) sent this reset, not 10.4.0.2"))
        #expect(finding.summary.contains("The operator expects resets from this device."))
        #expect(finding.advice == "Ask netops, who runs fw-dc1 at hop 2, to check its rules for tcp/22.")
        let other = named(try sampleFinding(), entry("fw-dc1", hop: 3, isExpected: true))
        #expect(other.summary.hasPrefix("A device at hop 2 sent this reset"))
        #expect(other.advice.hasPrefix("Ask whoever runs the device at hop 2"))
    }

    @Test func aKnownTimerExplainsAGap() throws {
        var finding = try sampleFinding(cause: .idleTimeout)
        finding.reset?.stage = .idle
        finding.reset?.idleSeconds = 77.5
        finding.device = KnownDevice(name: "lb1")
        finding.device?.idleTimer = 77
        #expect(finding.summary.contains("This equals the device's idle timer of 77 s."))
        finding.device?.idleTimer = 90
        #expect(!finding.summary.contains("timer of"))
    }

    @Test func jsonTellsWhatIsKnown() throws {
        let finding = named(try sampleFinding(), entry("fw \"1\"\u{9b}2J", hop: 2, isExpected: true))
        let line = JSONLines.line(finding)
        #expect(line.contains(#""device":"fw \"1\"\u009b2J","owner":"netops","expected":true"#))
        #expect(JSONLines.decode(line)?.device == finding.device)
        let plain = JSONLines.line(try sampleFinding())
        #expect(!plain.contains("\"device\"") && !plain.contains("expected\":true"))
    }

    @Test func originsHaveNames() throws {
        var origin = Origin(
            id: "o-1", isThisMachine: false, hop: 2, initialTTL: 64, hasWindow: false, interface: nil, nextHopMAC: nil)
        origin.hosts = [try #require(IPAddress("10.4.0.2")), try #require(IPAddress("10.5.0.2"))]
        #expect(DeviceNames([entry("a", prefix: "10.4.0.0/16")]).device(for: origin) == nil)
        origin.device = DeviceNames([entry("fw-dc1", prefix: "10.0.0.0/8", isExpected: true)]).device(for: origin)
        #expect(OriginReport.text([origin]).contains("o-1  fw-dc1 at hop 2, owner netops, expected: 0 resets"))
        let line = OriginReport.line(origin)
        #expect(line.contains(#""name":"fw-dc1","owner":"netops","expected":true"#))
        let read = OriginReport.decode(Array("{\"items\":[\(line)]}".utf8))
        #expect(read?.first?.device == origin.device)
        #expect(OriginReport.csv([origin]).contains("fw-dc1,netops,true"))
    }

    @Test func expectedResetsAreCountedApart() throws {
        var counters = FindingCounters()
        counters.count(named(try sampleFinding(), entry("a", hop: 2, isExpected: true)), replacing: nil)
        counters.count(named(try sampleFinding(), entry("a", hop: 2)), replacing: nil)
        counters.count(try sampleFinding(), replacing: nil)
        #expect(counters.expected.values.reduce(0, +) == 1)
        #expect(counters.resets.values.reduce(0, +) == 3)
    }
}
