// SPDX-License-Identifier: Apache-2.0
import Packets
import Testing

@testable import Diagnosis
@testable import Reporting

@Suite("Sentences from the values of evidence")
struct EvidenceTextTests {
    private static let far = HopDistance(ttl: 61)
    private static let near = HopDistance(ttl: 63)
    private static let host = IPAddress(v4: 0x0a04_0002)

    @Test("A distance tells equal from unequal, and whose packets it was compared with")
    func distances() {
        func text(_ name: EvidenceName, _ seen: HopDistance, _ packets: Evidence.Value.PacketClass?) -> String {
            Evidence(
                name, weight: 1, observed: .distance(seen), expected: .distance(Self.far, samples: 4, of: packets)
            ).text
        }
        #expect(text(.ttlHost, Self.near, .host) == "the host's own packets come from hop 4, the reset from hop 2")
        #expect(text(.ttlHost, Self.far, .echoReplies).hasSuffix("the host's own echo replies"))
        #expect(text(.ttlFlow, Self.far, .connection).hasSuffix("this connection's other packets"))
        #expect(text(.pathMoved, Self.near, .newest(5, before: 2)).contains("newest 5 packets came from hop 4"))
        #expect(text(.severalDistances, Self.near, .few(3, of: 90)).hasPrefix("3 of the host's 90 packets"))
    }

    @Test("Values are shown as the contract has them")
    func values() {
        let values: [(Evidence.Value, String)] = [
            (.distance(Self.far, samples: 1), "61 (64-3), 1 sample"),
            (.milliseconds(ns: 45_390_000), "45.3 ms"),
            (.packet(.data, after: 45_390_000), "new data after 45 ms"),
            (.reach(ttl: 4, isMinimum: true, flows: 1), "TTL at least 4, 1 flow"),
            (.ports([22, 80], of: Self.host), "tcp/22, tcp/80"),
            (.growths([Evidence.Value.Growth(name: "invalid", amount: 3)]), "invalid +3"),
            (.stated(.multipath(3)), "MPTCP reason 3, administratively prohibited"),
            (.stated(.multipath(200)), "MPTCP reason 200, unknown"),
            (
                .tracking(TrackedConnection(original: Self.tuple, reply: Self.tuple.reversed, state: "SYN_SENT")),
                "SYN_SENT [UNREPLIED]"
            ),
        ]
        for (value, text) in values { #expect(value.text == text) }
    }

    private static let tuple = FiveTuple(
        source: IPAddress(v4: 0x0a01_0001), sourcePort: 40_000, destination: host, destinationPort: 22,
        transport: .tcp)

    @Test("Text from outside stays whole: a device named with full stops breaks nothing")
    func outside() {
        let rule = "chain inet filter core. fw1, handle 7: reject"
        let piece = Evidence(
            .filterRule, weight: 0,
            observed: .rules(Evidence.Value.Rules(named: [rule], count: 1, hasCounters: true)))
        #expect(piece.text == "the rule whose counter moved is \(rule)")
        #expect(Evidence(.resetText, weight: 0, observed: .stated(.text("a. b"))).text == "the reset itself says: a. b")
    }

    @Test("A piece of a stored finding keeps its words")
    func stored() {
        let piece = Evidence(name: "ttl_host", weight: -2, observed: "61 (64-3)", text: "as it was said")
        #expect(piece.text == "as it was said" && piece.observed == .text("61 (64-3)"))
        #expect(Evidence(name: "of_tomorrow", weight: 0, text: "new").label == "of_tomorrow")
    }
}
