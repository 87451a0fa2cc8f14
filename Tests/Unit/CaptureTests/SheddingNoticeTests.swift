// SPDX-License-Identifier: Apache-2.0
import Packets
import Testing

@testable import Capture

/// Tests of the messages about shedding and losses.
struct SheddingNoticeTests {
    private static let second: UInt64 = 1_000_000_000

    /// Returns the messages within a period that is checked four times a second.
    private func said(
        _ seconds: Int, cause: SheddingController.Cause = .cpu,
        _ state: (Double) -> (levels: SheddingLevels, shed: UInt64, lost: UInt64)
    ) -> [String] {
        var notices = SheddingNotices()
        var texts: [String] = []
        for look in 0..<(seconds * 4) {
            let now = Double(look) / 4
            let (levels, shed, lost) = state(now)
            var ledger = Ledger()
            var count = Ledger.Count()
            count.shed[0] = shed
            count.lost[Int(PacketClass.reset.rawValue)][Int(LossReason.ringFull.rawValue)] = lost
            ledger.rows = [Ledger.Row(slot: 0, interface: "eth0", way: .ingress, count: count)]
            texts += notices.texts(
                now: Self.second + UInt64(now * 1e9), levels, levels == .none ? nil : cause,
                SheddingController.Options(), ledger)
        }
        return texts
    }

    @Test("Begin and end are told once, with the reason and what to do")
    func once() throws {
        let texts = said(60) { time in
            (time < 10 || time >= 40 ? .none : SheddingLevels(bulk: 2, handshake: 0), time < 10 ? 0 : 5000, 0)
        }
        #expect(texts.count == 2)
        let (begin, end) = (try #require(texts.first), try #require(texts.last))
        #expect(
            begin.contains("the data of 25 % of the connections") && begin.contains("25 %") && begin.contains("--full"))
        #expect(begin.contains("Every reset"))
        #expect(end.contains("over after 30 s"))
        // Negative: nothing is said where nothing is shed, nor of what lasts less than a second.
        #expect(said(60) { _ in (.none, 0, 0) }.isEmpty)
        #expect(said(60) { ($0 >= 10 && $0 < 10.7 ? SheddingLevels(bulk: 1, handshake: 0) : .none, 0, 0) }.isEmpty)
    }

    @Test("What comes and goes is told once a minute at the most, what grows fourfold again")
    func rate() {
        let flapping = said(300) { (Int($0) % 10 < 5 ? SheddingLevels(bulk: 1, handshake: 0) : .none, 0, 0) }
        #expect((2...10).contains(flapping.count))
        let growing = said(300) { (SheddingLevels(bulk: min(10, 1 + Int($0 / 20)), handshake: 0), 0, 0) }
        #expect((2...5).contains(growing.count))
        #expect(said(300) { _ in (SheddingLevels(bulk: 3, handshake: 1), 0, 0) }.count == 1)
    }

    @Test("The reason is the one that there is")
    func reasons() {
        for (cause, word) in [(SheddingController.Cause.cpu, "--full"), (.ring, "--ring-size"), (.option, "--shed")] {
            let text = said(5, cause: cause) { _ in (SheddingLevels(bulk: 3, handshake: 3), 0, 0) }.joined()
            #expect(text.contains(word))
            #expect(text.contains("with its handshake"))
        }
    }

    @Test("A lost reset is told, and no more than once a minute")
    func losses() {
        let texts = said(150) { (.none, 0, $0 < 10 ? 0 : UInt64($0 * 100)) }
        #expect((2...3).contains(texts.count))
        #expect(texts.allSatisfy { $0.contains("were lost") && $0.contains("--ring-size") })
        #expect(texts.first?.hasPrefix("1000 resets") == true)
    }

    @Test("A flood's last line has the total, also where the capture ends in it")
    func lossTotals() {
        let texts = said(60) { (.none, 0, UInt64(max(0, min($0, 8) - 4) * 10_000)) }
        #expect(texts.count == 2)
        #expect(texts.last?.hasPrefix("40000 resets or ICMP errors were lost in all, within 4 s") == true)
        // What one line has told needs no other.
        #expect(said(60) { (.none, 0, $0 < 10 ? 0 : 7) }.count == 1)
        var notices = SheddingNotices()
        var ledger = Ledger()
        var count = Ledger.Count()
        count.lost[Int(PacketClass.icmp.rawValue)][Int(LossReason.ringFull.rawValue)] = 65_566
        ledger.rows = [Ledger.Row(slot: 0, interface: "eth0", way: .ingress, count: count)]
        let last = notices.lastTexts(now: Self.second, ledger)
        #expect(last.first?.hasPrefix("65566 resets") == true)
        let again = notices.lastTexts(now: 2 * Self.second, ledger)
        #expect(again.isEmpty)
    }
}
