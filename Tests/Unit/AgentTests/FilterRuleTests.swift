// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Foundation
import Packets
import Reporting
import Testing

@testable import Agent

@Suite("Which rule of this machine's packet filter made a reset")
struct FilterRuleTests {
    /// As nft 1.0.6 prints it, with figures in the place of `@22` and `@25`.
    private static func listing(_ forwarded: Int = 0, _ input: Int = 0, mail: Int = 0) -> String {
        """
        table inet filter { # handle 1
        \tset blocked { # handle 2
        \t\ttype ipv4_addr
        \t}

        \tchain forward { # handle 3
        \t\ttype filter hook forward priority filter; policy accept;
        \t\tip saddr @blocked jump strict # handle 5
        \t\ttcp dport 22 counter packets \(forwarded) bytes \(forwarded * 40) reject with tcp reset # handle 7
        \t\ttcp dport 25 counter packets \(mail) bytes 0 reject with tcp reset # handle 9
        \t\tudp dport 53 counter packets 4 bytes 400 reject # handle 8
        \t\ttcp dport 80 counter packets 9 bytes 9 accept comment "not reject with tcp reset # handle 4" # handle 10
        \t}

        \tchain strict { # handle 4
        \t\tip daddr { 10.0.0.1, 10.0.0.2,
        \t\t\t   10.0.0.3 } meta l4proto tcp reject with tcp reset # handle 6
        \t}
        }
        table ip own { # handle 2
        \tchain input { # handle 1
        \t\ttype filter hook input priority filter; policy drop;
        \t\ttcp dport 22 counter packets \(input) bytes 0 reject with tcp reset comment "no # handle 3" # handle 2
        \t}
        }
        """
    }

    private static func finding(
        _ sender: Finding.Sender, time: UInt64, port: UInt16 = 22, cause: Finding.Cause = .rejected
    ) -> Finding {
        var finding = Finding(
            id: "1",
            fiveTuple: FiveTuple(
                source: IPAddress(v4: 0x0a04_0002), sourcePort: port, destination: IPAddress(v4: 0x0a01_0001),
                destinationPort: 50992),
            details: .reset(
                Finding.Reset(
                    flags: [.rst, .ack], ttl: 64, seq: 0, ack: 1, sender: sender, hop: 0, cause: cause, stage: .syn,
                    packetKey: "")),
            evidence: [Evidence(name: EvidenceName.madeHere.rawValue, weight: 7, text: "made here")])
        finding.time = time
        return finding
    }

    @Test("Rules that reject with a reset are read with chain, hook, handle and counter, others are not")
    func reading() {
        let rules = FilterRule.resetting(listing: Self.listing(5, 6, mail: 7))
        #expect(rules.map(\.key.handle) == [7, 9, 6, 2])
        #expect(rules.map(\.packets) == [5, 7, nil, 6])
        #expect(rules.map(\.hook) == ["forward", "forward", nil, "input"])
        #expect(
            rules.first?.description
                == "chain inet filter forward, handle 7: tcp dport 22 counter reject with tcp reset")
        #expect(rules.dropFirst(2).first?.text.hasPrefix("ip daddr { 10.0.0.1, 10.0.0.2, 10.0.0.3 } meta") == true)
        #expect(rules.last?.key.table == "own")
    }

    @Test(
        "What is no listing gives no rules",
        arguments: [
            "", "}", "# handle 7", "chain x {\n reject with tcp reset # handle 1", "table inet x {\nchain y {\nz",
        ])
    func damaged(_ text: String) {
        #expect(FilterRule.resetting(listing: text).isEmpty)
    }

    @Test("The rule whose counter moved between the readings around the reset is named")
    func moved() {
        var readings = FilterRuleReadings()
        readings.add(FilterRule.resetting(listing: Self.listing(5, 6)), time: 100)
        readings.add(FilterRule.resetting(listing: Self.listing(6, 6)), time: 200)
        readings.add(FilterRule.resetting(listing: Self.listing(6, 6, mail: 1)), time: 300)
        let first = readings.evidence(for: Self.finding(.thisMachine, time: 150))
        #expect(
            first?.observed?.text == "chain inet filter forward, handle 7: tcp dport 22 counter reject with tcp reset")
        #expect(first?.text.hasPrefix("the rule whose counter moved is chain") == true)
        let second = readings.evidence(for: Self.finding(.thisMachine, time: 250, port: 25))
        #expect(second?.observed?.text.contains("handle 9") == true)
        #expect(readings.evidence(for: Self.finding(.thisMachine, time: 301)) == nil)
    }

    @Test("Of several that moved, those of the other hook are left out, and the one with the port is preferred")
    func several() {
        var readings = FilterRuleReadings()
        readings.add(FilterRule.resetting(listing: Self.listing()), time: 100)
        readings.add(FilterRule.resetting(listing: Self.listing(1, 1, mail: 1)), time: 200)
        let forwarded = readings.evidence(for: Self.finding(.thisMachine, time: 150, port: 25))
        #expect(forwarded?.observed?.text.contains("handle 9") == true)
        let own = readings.evidence(for: Self.finding(.hostFirewall, time: 150))
        #expect(own?.observed?.text.hasPrefix("chain ip own input, handle 2") == true)
        let either = readings.evidence(for: Self.finding(.thisMachine, time: 150, port: 443))
        #expect(either?.text.hasPrefix("one of the 2 rules") == true)
    }

    @Test("Where no counter moved, a rule without one is named if it is the only one")
    func withoutCounter() {
        var readings = FilterRuleReadings()
        readings.add(FilterRule.resetting(listing: Self.listing(1)), time: 100)
        readings.add(FilterRule.resetting(listing: Self.listing(1)), time: 200)
        let evidence = readings.evidence(for: Self.finding(.thisMachine, time: 150))
        #expect(evidence?.text.hasPrefix("the only rule that can") == true)
        var two = FilterRuleReadings()
        let silent = "table ip x {\nchain a {\nreject with tcp reset # handle 1\nreject with tcp reset # handle 2\n}\n}"
        two.add(FilterRule.resetting(listing: silent), time: 200)
        #expect(two.evidence(for: Self.finding(.thisMachine, time: 150)) == nil)
    }

    @Test("Findings come back with their rule, others pass at once")
    func namer() {
        let calls = Calls()
        let namer = RejectRuleResolver { Self.listing(calls.next()) }
        // The first reading is the one to compare with.
        #expect(namer.finish().isEmpty)
        let other = Self.finding(.thisMachine, time: 1, cause: .idleTimeout)
        let own = Self.finding(.host, time: 1)
        #expect(namer.exchange([other, own]).map(\.reset?.sender) == [.thisMachine, .host])
        #expect(namer.exchange([Self.finding(.thisMachine, time: .max / 2), other]).count == 1)
        let back = namer.finish()
        #expect(back.count == 1)
        // Packet time is far ahead of every reading here.
        #expect(back.first?.evidence.count == 1)
        #expect(namer.exchange([Self.finding(.thisMachine, time: 1)]).isEmpty)
    }

    @Test("A rule is named through the namer, by the clock of packets")
    func namerNames() {
        let calls = Calls()
        let namer = RejectRuleResolver { Self.listing(calls.next()) }
        #expect(namer.finish().isEmpty)
        let now = UInt64(Date().timeIntervalSince1970 * 1e9)
        #expect(namer.exchange([Self.finding(.thisMachine, time: now)]).isEmpty)
        let back = namer.finish()
        #expect(back.first?.evidence.last?.name == .filterRule)
        #expect(back.first?.evidence.last?.observed?.text.contains("handle 7") == true)
    }

    @Test("Where the rules cannot be read, and where too many wait, findings come without a rule")
    func namerFails() {
        let namer = RejectRuleResolver { nil }
        let many = (0..<300 as Range<UInt64>).map { Self.finding(.thisMachine, time: $0) }
        #expect(namer.exchange(many).count == 300 - 256)
        #expect(namer.finish().count == 256)
        #expect(namer.finish().isEmpty)
    }

    @Test("A listing is bounded in time and size, and its failure is no listing")
    func program() {
        #expect(ListingProgram.output(["/bin/echo", "rules"], milliseconds: 2000, limit: 100) == "rules\n")
        #expect(ListingProgram.output(["/bin/echo", "rules"], milliseconds: 2000, limit: 3) == nil)
        #expect(ListingProgram.output(["/bin/sleep", "60"], milliseconds: 50, limit: 100) == nil)
        #expect(ListingProgram.output(["/bin/false"], milliseconds: 2000, limit: 100) == nil)
        #expect(ListingProgram.output(["/nonexistent"], milliseconds: 2000, limit: 100) == nil)
    }
}
