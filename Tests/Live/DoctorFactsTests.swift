// SPDX-License-Identifier: Apache-2.0
import Capture
import LiveSupport
import Testing

/// Tests of the facts that doctor reads from interfaces made by the test.
@Suite("Doctor, on interfaces of its own", .serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct DoctorFactsTests {
    private static func facts() throws -> DoctorFacts.Interface {
        try #require(try Doctor.facts(["near"]).interfaces.first)
    }

    @Test("Offloads and the source check are as they were set, and as they were set anew")
    func settings() async throws {
        try await inNamespace {
            _ = try makePair("near", "far")
            try command("ethtool -K near rxvlan off")
            try command("sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.near.rp_filter=1")
            var facts = try Self.facts()
            #expect(facts.stripsVLAN == false)
            #expect(facts.reversePathFilter == 1)
            #expect(facts.megabits == 10_000)
            // A veth has no card that could.
            #expect(facts.hasHardwareGRO != true)
            let checks = try Doctor.checks(["near"])
            let strict = try #require(checks.first { $0.name == "rp_filter" })
            #expect(strict.status == .warn)
            #expect(!checks.contains { $0.name == "rxvlan" })

            // The cure cures.
            let cure = try #require(strict.cure?.split(separator: ": ").last)
            try command(String(cure))
            try command("ethtool -K near rxvlan on")
            facts = try Self.facts()
            #expect(facts.stripsVLAN == true)
            #expect(facts.reversePathFilter == 2)
            #expect(try Doctor.checks(["near"]).first { $0.name == "rp_filter" }?.status == .ok)
        }
    }
}
