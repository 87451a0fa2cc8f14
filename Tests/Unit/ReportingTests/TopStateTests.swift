// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Reporting

@Suite("The live screen")
struct TopStateTests {
    private static let now: UInt64 = 1_767_225_600_000_000_000
    private static let minute: UInt64 = 60_000_000_000

    private func finding(_ number: Int, _ sender: Finding.Sender, minutesAgo: UInt64 = 0, revision: Int = 0) throws
        -> Finding
    {
        let digits = String(number)
        var finding = try sampleFinding(
            id: String(repeating: "0", count: 26 - digits.count) + digits, sender: sender)
        finding.time = Self.now - minutesAgo * Self.minute
        finding.revision = revision
        return finding
    }

    private func ledger(_ seen: UInt64, lost: UInt64 = 0, shed: UInt64 = 0, kept: UInt64 = 0) throws -> LedgerTotals {
        let json =
            #"{"total":{"seen":\#(seen),"recorded":{"reset":1,"bulk":\#(kept)},"refused":{"x":2},"#
            + #""shed":{"bulk":\#(shed)},"lost":{"bulk":{"ring_full":\#(lost)}}},"in_ring":3,"balanced":true}"#
        return try #require(LedgerTotals(decoding: Array(json.utf8)))
    }

    private func state() throws -> TopState {
        var state = TopState()
        state.title = "127.0.0.1:9742  eth0  (0.1.0)"
        state.take(try finding(1, .middlebox, minutesAgo: 5))
        state.take(try finding(2, .hostKernel))
        state.take(try finding(3, .undetermined))
        var origin = Origin(
            id: "o-1", isThisMachine: false, hop: 2, initialTTL: 64, hasWindow: false, interface: nil, nextHopMAC: nil)
        (origin.resets, origin.hosts, origin.ports) = (7, [IPAddress(v4: 0x0a04_0002)], [22])
        origin.lastSeen = Self.now
        state.origins = [origin]
        state.take(try ledger(1000), at: 1_000_000_000)
        state.take(try ledger(13_500), at: 2_000_000_000)
        return state
    }

    @Test func aFrameFillsTheScreenAndNoMore() throws {
        let state = try state()
        for (width, height) in [(120, 30), (80, 24), (40, 10), (20, 5), (1, 1)] {
            let lines = state.frame(height: height, now: Self.now, style: TableStyle(width: width))
            #expect(lines.count == height)
            #expect(lines.allSatisfy { $0.count <= max(width, 60) }, "\(width) × \(height)")
        }
        // Of the minutes the newest stay.
        #expect(state.frame(height: 10, now: Self.now, style: TableStyle(width: 40))[3].contains("█"))
        try expectGolden(
            state.frame(height: 20, now: Self.now, style: TableStyle(width: 110)).joined(separator: "\n") + "\n", "top")
    }

    @Test func aRevisionTakesThePlaceOfWhatItRevises() throws {
        var state = try state()
        #expect(state.count(.unknown, minutes: 60, now: Self.now) == 1)
        state.take(try finding(3, .middlebox, revision: 1))
        #expect(state.count(.unknown, minutes: 60, now: Self.now) == 0)
        #expect(state.count(.foreign, minutes: 1, now: Self.now) == 1)
        #expect(state.count(.foreign, minutes: 60, now: Self.now) == 2)
        #expect(state.newest.count == 3)
        let bars = state.foreignByMinute(now: Self.now)
        #expect(bars.count == 60)
        #expect(bars.suffix(6) == [1, 0, 0, 0, 0, 1])
    }

    @Test func memoryIsBounded() throws {
        var state = TopState()
        for number in 0..<30_000 { state.take(try finding(number, .middlebox, minutesAgo: UInt64(number % 600))) }
        #expect(state.newest.count <= 200)
        #expect(state.count(.foreign, minutes: 600, now: Self.now) <= 30_000)
    }

    @Test func lossAndSheddingAreTold() throws {
        var state = try state()
        #expect(state.frame(height: 20, now: Self.now, style: TableStyle(width: 200))[1].contains("12.5 k/s seen"))
        state.take(try ledger(20_000, lost: 5, shed: 700, kept: 100), at: 3_000_000_000)
        let line = state.frame(height: 20, now: Self.now, style: TableStyle(width: 200))[1]
        #expect(line.contains("5 lost"))
        #expect(line.contains("sheds bulk 1 of 8"))
        #expect(LedgerTotals(decoding: Array("{}".utf8)) == nil)
    }

    @Test func namesCommandNoTerminal() throws {
        var state = TopState()
        var hostile = try finding(1, .middlebox)
        hostile.names = [hostile.fiveTuple.source: "evil\u{1b}[2J\u{7}"]
        state.title = "a\u{1b}]0;x\u{7}"
        state.take(hostile)
        let plain = state.frame(height: 20, now: Self.now, style: TableStyle(width: 100)).joined()
        #expect(!plain.unicodeScalars.contains { $0.value < 0x20 })
        let coloured = state.frame(height: 20, now: Self.now, style: TableStyle(width: 100, isColoured: true)).joined()
        #expect(coloured.contains("\u{1b}[1;31m"))
        #expect(!coloured.contains("\u{1b}[2J"))
    }

    @Test func onlyProblemsWhereWanted() throws {
        var state = try state()
        state.showsProblemsOnly = true
        let text = state.frame(height: 20, now: Self.now, style: TableStyle(width: 100)).joined(separator: "\n")
        #expect(text.contains("device at hop 2"))
        #expect(!text.contains("host kernel"))
        #expect(text.hasSuffix("p all findings"))
    }
}
