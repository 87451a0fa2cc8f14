// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Reporting
import Testing

@Suite struct MetricsExpositionTests {
    /// The samples of a metric, without HELP and TYPE.
    private func samples(_ name: String, in text: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter { $0.hasPrefix(name + "{") || $0.hasPrefix(name + " ") }
    }

    private func allSamples(in text: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    @Test func everyMemberIsThereFromTheStartAtZero() {
        let text = MetricsExposition.text(MetricsSnapshot())
        #expect(samples("rstwho_resets_total", in: text).count == Finding.Sender.allCases.count * 3)
        #expect(samples("rstwho_resets_by_cause_total", in: text).count == Finding.Cause.allCases.count)
        #expect(samples("rstwho_packets_refused_total", in: text).count == RefusalReason.allCases.count)
        #expect(samples("rstwho_records_total", in: text).count == 4)
        #expect(samples("rstwho_records_lost_total", in: text).count == 4 * LossReason.allCases.count)
        #expect(text.contains("rstwho_resets_total{sender=\"middlebox\",scope=\"outside\"} 0\n"))
        #expect(allSamples(in: text).allSatisfy { $0.hasSuffix(" 0") || $0.hasPrefix("rstwho_build_info") })
    }

    @Test func everyRefusalOfTheParserHasAName() {
        #expect(RefusalReason.allCases.count + 1 == RefusalReason.codeCount)
        #expect(RefusalReason(rawValue: 0) == nil)
        #expect(RefusalReason(rawValue: 1) == .notIP)
        #expect(RefusalReason(rawValue: UInt32(RefusalReason.codeCount) - 1) == .tooDeep)
        #expect(RefusalReason(rawValue: UInt32(RefusalReason.codeCount)) == nil)
    }

    @Test func helpAndTypeStandOnceBeforeEachMetric() {
        let lines = MetricsExposition.text(MetricsSnapshot()).split(separator: "\n")
        let helps = lines.filter { $0.hasPrefix("# HELP ") }.map { $0.split(separator: " ")[2] }
        let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
        #expect(helps == types)
        #expect(Set(helps).count == helps.count)
        #expect(helps.allSatisfy { $0.hasPrefix("rstwho_") })
    }

    @Test func anInterfaceIsCountedByDirection() throws {
        var snapshot = MetricsSnapshot()
        snapshot.version = "1.0"
        var interface = MetricsSnapshot.Interface(name: "eth0", hook: "tc")
        interface.arrived = 7
        interface.left = 3
        interface.coverage = 0.99
        snapshot.interfaces = [interface]
        let text = MetricsExposition.text(snapshot)
        #expect(
            samples("rstwho_packets_total", in: text) == [
                "rstwho_packets_total{interface=\"eth0\",direction=\"in\"} 7",
                "rstwho_packets_total{interface=\"eth0\",direction=\"out\"} 3",
            ])
        #expect(text.contains("rstwho_interface_coverage_ratio{interface=\"eth0\"} 0.99\n"))
        #expect(text.contains("rstwho_attach_info{interface=\"eth0\",hook=\"tc\"} 1\n"))
        #expect(text.contains("rstwho_interface_up{interface=\"eth0\"} 1\n"))
        #expect(text.contains("rstwho_blind_seconds_total 0"))
        #expect(text.contains("rstwho_build_info{version=\"1.0\"} 1\n"))
    }

    @Test func interfacesBeyondSixteenAreOneAndSeriesAreBounded() {
        var snapshot = MetricsSnapshot()
        snapshot.interfaces = (0..<31).map { number in
            var interface = MetricsSnapshot.Interface(name: "veth\(number)", hook: number < 20 ? "tc" : "xdp")
            interface.arrived = 2
            interface.coverage = 1
            return interface
        }
        let text = MetricsExposition.text(snapshot)
        #expect(text.contains("rstwho_packets_total{interface=\"other\",direction=\"in\"} 30\n"))
        #expect(text.contains("interface=\"veth15\""))
        #expect(!text.contains("interface=\"veth16\""))
        #expect(samples("rstwho_attach_info", in: text).count == 18)
        let samples = allSamples(in: text)
        #expect(samples.count < 420)
        #expect(Set(samples.map { $0.prefix { $0 != " " } }).count == samples.count)
    }

    @Test func labelsAreEscaped() {
        var snapshot = MetricsSnapshot()
        snapshot.interfaces = [MetricsSnapshot.Interface(name: "a\"b\\c\nd", hook: "tc")]
        #expect(
            MetricsExposition.text(snapshot).contains(
                "rstwho_attach_info{interface=\"a\\\"b\\\\c\\nd\",hook=\"tc\"} 1\n"))
    }

    @Test func histogramsAreCumulative() throws {
        var snapshot = MetricsSnapshot()
        for hop in [0, 2, 2, 40] {
            var finding = try sampleFinding()
            finding.reset?.hop = hop
            finding.delay = 1_500_000_000
            snapshot.findings.count(finding, replacing: nil)
        }
        let text = MetricsExposition.text(snapshot)
        #expect(text.contains("rstwho_reset_distance_hops_bucket{le=\"0\"} 1\n"))
        #expect(text.contains("rstwho_reset_distance_hops_bucket{le=\"1\"} 1\n"))
        #expect(text.contains("rstwho_reset_distance_hops_bucket{le=\"2\"} 3\n"))
        #expect(text.contains("rstwho_reset_distance_hops_bucket{le=\"32\"} 3\n"))
        #expect(text.contains("rstwho_reset_distance_hops_bucket{le=\"+Inf\"} 4\n"))
        #expect(text.contains("rstwho_reset_distance_hops_sum 44\nrstwho_reset_distance_hops_count 4\n"))
        #expect(text.contains("rstwho_verdict_delay_seconds_bucket{le=\"1\"} 0\n"))
        #expect(text.contains("rstwho_verdict_delay_seconds_bucket{le=\"2\"} 4\n"))
        #expect(text.contains("rstwho_verdict_delay_seconds_sum 6\n"))
    }

    /// Returns the metric families that count findings in an exposition.
    private func findingFamilies(in text: String) -> String {
        let names = [
            "rstwho_connections", "rstwho_resets", "rstwho_path_findings", "rstwho_reset_distance",
            "rstwho_verdict_delay",
        ]
        return text.split(separator: "\n").filter { line in
            let words = line.split(separator: " ")
            let name = line.hasPrefix("# ") && words.count > 2 ? words[2] : line[...]
            return names.contains { name.hasPrefix($0) } || line == "# EOF"
        }.joined(separator: "\n") + "\n"
    }

    /// A middlebox's reset, twice, a host's own, and one that nobody knows.
    private func counted() throws -> MetricsSnapshot {
        var snapshot = MetricsSnapshot()
        let told: [(String, Finding.Sender, Finding.Cause)] = [
            ("01JABCDEFGHJKMNPQRSTVWXYZ0", .middlebox, .rejected),
            ("01JABCDEFGHJKMNPQRSTVWXYZ1", .middlebox, .rejected),
            ("01JABCDEFGHJKMNPQRSTVWXYZ2", .hostKernel, .portClosed),
            ("01JABCDEFGHJKMNPQRSTVWXYZ3", .undetermined, .unknown),
        ]
        for (number, (id, sender, cause)) in told.enumerated() {
            var finding = try sampleFinding(id: id, sender: sender, cause: cause)
            finding.time = 1_767_225_600_000_000_001 + UInt64(number) * 1_000_000_000
            finding.delay = 2_000_000_000
            finding.scope = .inside
            snapshot.findings.count(finding, replacing: nil)
        }
        return snapshot
    }

    @Test func theTextFormatIsAsItWas() throws {
        try expectGolden(findingFamilies(in: MetricsExposition.text(counted())), "metrics-text")
    }

    @Test func openMetricsHasExemplarsAndAnEnd() throws {
        let text = try MetricsExposition.text(counted(), as: .openMetrics)
        try expectGolden(findingFamilies(in: text), "metrics-openmetrics")
        #expect(text.hasSuffix("# EOF\n"))
        #expect(text.contains("# TYPE rstwho_resets counter\n"))
        // The newest of two, and nothing where nothing was counted.
        #expect(
            text.contains(
                "rstwho_resets_total{sender=\"middlebox\",scope=\"inside\"} 2 "
                    + "# {finding_id=\"01JABCDEFGHJKMNPQRSTVWXYZ1\"} 1 1767225601.000000001\n"))
        #expect(text.contains("rstwho_resets_total{sender=\"middlebox\",scope=\"outside\"} 0\n"))
        #expect(!text.contains("10.4.0.2"))
    }

    @Test func exemplarsAndTheEndAreNotInTheTextFormat() throws {
        let text = try MetricsExposition.text(counted())
        #expect(!text.contains("finding_id"))
        #expect(!text.contains("EOF"))
    }

    @Test(
        arguments: [
            (nil, MetricsFormat.text), ("*/*", .text), ("text/plain;version=0.0.4", .text), ("", .text),
            (";;,,;q=", .text),
            ("application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text; version=\"1.0.0\", text/plain;q=0.5", .openMetrics),
            ("application/openmetrics-text;version=0.0.1", .text),
            ("application/openmetrics-text;q=0", .text),
            ("application/openmetrics-text;q=0.1,text/plain;q=0.9", .text),
            // What Prometheus 2.42 sends.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
            ),
        ] as [(String?, MetricsFormat)])
    func theAcceptHeaderDecides(accept: String?, format: MetricsFormat) {
        #expect(MetricsFormat.preferred(accept) == format)
    }
}
