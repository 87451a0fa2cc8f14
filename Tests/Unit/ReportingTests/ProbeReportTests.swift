// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Reporting

@Suite("What a probe says")
struct ProbeReportTests {
    private static let host = IPAddress(v4: 0x0a04_0002)
    private static let path = (1...3).map { number in
        ProbeResult.Hop(
            number: number, addresses: [IPAddress(v4: 0x0a00_0002 | UInt32(number) << 16)], roundTrip: 250_000)
    }

    private static func result(
        _ state: ProbeResult.State, _ sender: ProbeResult.Sender, _ hops: ClosedRange<Int>? = nil,
        _ change: (inout ProbeResult) -> Void = { _ in }
    ) -> ProbeResult {
        var result = ProbeResult(target: host, port: 22, state: state, sender: sender)
        result.hops = hops
        result.hostHop = 4
        result.confidence = sender == .undetermined ? nil : 0.9975
        result.path = path
        result.lastReached = 3
        result.packets = 19
        if let hops, hops.count == 1, sender == .middlebox {
            result.address = path.first { $0.number == hops.lowerBound }?.addresses.first
        }
        change(&result)
        return result
    }

    private static let rejected = result(.rejected, .middlebox, 2...2) {
        $0.answeredAt = 3
        $0.evidence = [
            Evidence(
                name: "active_trace", weight: 6, observed: "TTL 3", expected: "TTL 4, 4 flows",
                text: "a SYN with TTL 3 is answered already, other packets need 4 to reach the host")
        ]
    }

    /// Every state with every sender that it can have.
    private static let results: [ProbeResult] = [
        rejected, result(.rejected, .thisMachine, 0...0), result(.rejected, .middlebox, 2...3),
        result(.rejected, .middlebox, 1...1) {
            $0.hostHopIsMinimum = true
            $0.unmatched = 2
            $0.path[2].addresses.append(IPAddress(v4: 0x0a03_0102))
            $0.isComplete = false
        },
        result(.rejected, .middlebox, 2...2) {
            $0.path = []
            $0.address = nil
        },
        result(.open, .host, 4...4), result(.open, .middlebox, 2...2), result(.open, .undetermined),
        result(.open, .undetermined) { $0.hostHop = nil }, result(.open, .host, 0...0) { $0.path = [] },
        result(.closed, .host, 4...4), result(.closed, .host, 4...4) { $0.unreachable = .port },
        result(.closed, .host, 0...0) { $0.path = [] }, result(.refused, .undetermined),
        result(.refused, .undetermined) { $0.hostHop = nil },
        result(.filtered, .middlebox, 1...2) { $0.lastReached = 1 },
        result(.filtered, .middlebox, 1...1) { $0.lastReached = 0 },
        result(.filtered, .middlebox, 1...3) {
            $0.lastReached = 1
            $0.path[1].addresses = []
        },
        result(.filtered, .undetermined, 3...4), result(.filtered, .undetermined, 4...4),
        result(.filtered, .thisMachine, 0...0), result(.prohibited, .middlebox, 2...2) { $0.unreachable = .prohibited },
        result(.prohibited, .host, 4...4) { $0.unreachable = .prohibited },
        result(.unreachable, .middlebox, 3...3) {
            $0.unreachable = .host
            $0.hostHop = nil
        },
        result(.unreachable, .thisMachine, 0...0) {
            $0.unreachable = .host
            $0.hostHop = nil
            $0.path = []
        },
        result(.unreachable, .middlebox) { $0.hostHop = nil }, result(.silent, .undetermined) { $0.hostHop = nil },
        result(.silent, .undetermined) {
            $0.hostHop = nil
            $0.lastReached = 0
            $0.path = []
        },
    ]

    @Test("Every state with every sender")
    func all() throws {
        #expect(Set(Self.results.map(\.state)) == Set(ProbeResult.State.allCases))
        #expect(Set(Self.results.map(\.sender)) == Set(ProbeResult.Sender.allCases))
        let text = Self.results.map { "\($0.state.rawValue), \($0.sender.rawValue)\n" + ProbeReport($0).text() }
        try expectGolden(text.joined(separator: "\n"), "probe")
    }

    @Test("JSON of a rejected port")
    func json() throws {
        try expectGolden(ProbeReport(Self.rejected, name: "www.example.org").json, "probe-json")
    }

    @Test("Names of the network command no terminal, and ASCII stays ASCII")
    func printable() {
        let report = ProbeReport(Self.rejected, name: "a\u{1b}[2Jb")
        #expect(!report.text().contains("\u{1b}"))
        #expect(report.text(drawing: .ascii).utf8.allSatisfy { $0 == 10 || (0x20...0x7e).contains($0) })
        #expect(!report.json.contains("\u{1b}"))
    }
}
