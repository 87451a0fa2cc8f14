// SPDX-License-Identifier: Apache-2.0
import CLibbpf
import Capture
import Fixtures
import Packets
import Testing

/// The merge of several CPUs' rings by time, over rings written by hand.
///
/// Times are in ns; bare records keep steps of 1024.
struct DrainTests {
    private let second: UInt64 = 1_000_000_000

    @Test("the ring whose next record is oldest is taken first, and no ring is reordered")
    func merge() throws {
        var rings = try SyntheticRings(3)
        let written: [[UInt32]] = [[10, 40, 41], [20, 21, 60], [5, 50, 70]]
        for (ring, times) in written.enumerated() {
            for time in times { rings.rings[ring].append(time: UInt64(time) * 1024, tag: time) }
        }
        let look = rings.look(now: 100 * 1024)
        #expect(look.tags == [5, 10, 20, 21, 40, 41, 50, 60, 70])
        #expect(look.times == look.tags.map { UInt64($0) * 1024 })
        #expect(look.watermark == 100 * 1024)
        #expect(!look.hasMore)
        #expect(rings.waiting == 0)
        #expect(rings.look(now: 101 * 1024) == Look(watermark: 101 * 1024))
    }

    @Test("what is younger than the clock that was read before waits for the next look")
    func bound() throws {
        var rings = try SyntheticRings(2)
        rings.rings[0].append(time: 100 * 1024, tag: 1)
        rings.rings[0].append(time: 200 * 1024, tag: 2)
        #expect(rings.look(now: 150 * 1024) == Look(tags: [1], times: [100 * 1024], watermark: 150 * 1024))
        // Older than record 2, and written after the first look: it still comes before it.
        rings.rings[1].append(time: 160 * 1024, tag: 3)
        #expect(rings.look(now: 300 * 1024).tags == [3, 2])
    }

    @Test("a ring whose program is in the middle of a packet holds back what may be younger, and only that")
    func busy() throws {
        var rings = try SyntheticRings(2)
        rings.rings[0].append(time: 10 * 1024, tag: 1)
        rings.rings[0].isBusy = true
        rings.rings[1].append(time: 5 * 1024, tag: 3)
        rings.rings[1].append(time: 15 * 1024, tag: 4)
        #expect(rings.look(now: 50 * 1024) == Look(tags: [3, 1], times: [5 * 1024, 10 * 1024], watermark: 10 * 1024))
        #expect(rings.waiting == 1)
        #expect(rings.isBusy == true)
        // Still busy: time does not move on, however late it is.
        #expect(rings.look(now: 60 * 1024) == Look(watermark: 10 * 1024))
        rings.rings[0].append(time: 20 * 1024, tag: 2)
        rings.rings[0].isBusy = false
        #expect(rings.isBusy == false)
        #expect(
            rings.look(now: 70 * 1024) == Look(tags: [4, 2], times: [15 * 1024, 20 * 1024], watermark: 70 * 1024))
    }

    @Test("a bulk record's time is an earlier look's at the clock: it comes no earlier than what was told before it")
    func coarse() throws {
        var rings = try SyntheticRings(2)
        rings.rings[0].append(time: 100 * 1024, tag: 1)
        rings.rings[1].append(time: 150 * 1024 + 7, tag: 2, headers: 54)
        #expect(rings.look(now: 200 * 1024).tags == [1, 2])
        // Both were written after 200: the first says 100, the reset behind it has a time of its own.
        rings.rings[0].append(time: 100 * 1024, tag: 3)
        rings.rings[0].append(time: 250 * 1024 + 9, tag: 4, headers: 54)
        rings.rings[1].append(time: 220 * 1024, tag: 5)
        let look = rings.look(now: 300 * 1024)
        #expect(look.tags == [3, 5, 4])
        let expected: [UInt64] = [204_800, 225_280, 256_009]
        #expect(look.times == expected)
    }

    @Test("a full batch ends at its last packet's time, and the next one goes on")
    func batches() throws {
        var rings = try SyntheticRings(2)
        // 2 × 800 records: a ring of 64 KiB holds 1024.
        for tag: UInt32 in 0..<1600 {
            rings.rings[Int(tag) % 2].append(time: UInt64(tag + 1) * 1024, tag: tag)
        }
        let first = rings.look(now: second)
        #expect(first.tags == Array(0..<1024))
        #expect(first.hasMore)
        #expect(first.watermark == 1024 * 1024)
        let rest = rings.look(now: second)
        #expect(rest.tags == Array(1024..<1600))
        #expect(!rest.hasMore)
        #expect(rest.watermark == second / 1024 * 1024)
        #expect(rings.consumed(.bulk) == 1600)
        #expect(rings.consumed(.reset) == 0)
    }

    @Test("entries wrap around the end of a ring, and headers come with their record, whatever their length")
    func wrap() throws {
        for length in [0, 1, 40, 41, 54, 104, 105, 231, 232] {
            for before in 0...6 {
                var rings = try SyntheticRings(1, from: UInt64(SyntheticRing.slots * 3 - before))
                let ring = rings.rings[0]
                ring.append(time: 1024, tag: 1, headers: length)
                ring.append(time: 2048, tag: 2)
                ring.append(time: 3500, tag: 3, headers: length)
                #expect(rings.waiting == 3)
                let look = rings.look(now: second, offset: 7)
                #expect(look.tags == [1, 2, 3])
                #expect(look.times == [1031, 2055, 3507])
                #expect(look.mismatches == 0)
                #expect(look.watermark == second / 1024 * 1024 + 7)
                #expect(ring.position.pointee.tail == ring.position.pointee.head)
                #expect(rings.consumed(.reset) == 2)
                #expect(rings.consumed(.bulk) == 1)
            }
        }
    }

    @Test("positions that no program writes lead neither out of the rings nor into a loop without end")
    func confused() throws {
        var generator = SplitMix(state: 7)
        for head: UInt64 in [1, 5, 1 << 20, 1 << 63, .max] {
            var rings = try SyntheticRings(2)
            rings.rings[0].position.pointee.head &+= head
            rings.rings[1].append(time: 2048, tag: 9)
            for look in 0..<4 { _ = rings.look(now: second + UInt64(look)) }
            _ = rings.waiting
            #expect(rings.consumed(.bulk) >= 1)
        }
        for _ in 0..<200 {
            var rings = try SyntheticRings(1)
            rings.rings[0].position.pointee.head = generator.next()
            rings.rings[0].position.pointee.tail = generator.next()
            for look in 0..<4 { _ = rings.look(now: second + UInt64(look)) }
            _ = rings.waiting
        }
    }

    @Test("32 bits of time are made whole across their end, and after a ring was idle for long")
    func wholeTime() throws {
        // 2^32 × 1024 ns are 73 minutes.
        let turn: UInt64 = 1 << 42
        var rings = try SyntheticRings(2)
        _ = rings.look(now: 5 * turn - 10 * 1024)
        rings.rings[0].append(time: 5 * turn - 1024, tag: 1)
        rings.rings[0].append(time: 5 * turn + 1024, tag: 2)
        rings.rings[1].append(time: 5 * turn, tag: 3)
        #expect(rings.look(now: 5 * turn + second).times == [5 * turn - 1024, 5 * turn, 5 * turn + 1024])
        for step in 1...8 { _ = rings.look(now: 5 * turn + UInt64(step) * turn / 4) }
        rings.rings[1].append(time: 7 * turn + 4096, tag: 4)
        #expect(rings.look(now: 7 * turn + second).times == [7 * turn + 4096])
    }

    @Test("a record that is there before the first look has its whole time, however long the machine is up")
    func firstLook() throws {
        for uptime in [second, 1 << 41, 3 << 40, 9 << 42] as [UInt64] {
            var rings = try SyntheticRings(2, since: uptime)
            rings.rings[0].append(time: uptime + 4096, tag: 1)
            rings.rings[1].append(time: uptime + 2048, tag: 2)
            let expected = [uptime + 2048, uptime + 4096].map { $0 / 1024 * 1024 }
            #expect(rings.look(now: uptime + second).times == expected)
        }
    }

    @Test("where a ring's clock seems to go back, time stands still")
    func backwards() throws {
        var rings = try SyntheticRings(1)
        rings.rings[0].append(time: 100 * 1024, tag: 1)
        rings.rings[0].append(time: 98 * 1024, tag: 2)
        rings.rings[0].append(time: 99 * 1024 + 5, tag: 3, headers: 54)
        rings.rings[0].append(time: 101 * 1024, tag: 4)
        let times: [UInt64] = [100, 100, 100, 101]
        #expect(rings.look(now: second).times == times.map { $0 * 1024 })
    }

    @Test("random traffic over many looks comes out once, in order, and never before a watermark")
    func random() throws {
        var generator = SplitMix(state: 42)
        var rings = try SyntheticRings(5)
        var clock: UInt64 = second
        var written: [(time: UInt64, tag: UInt32)] = []
        var times: [UInt64] = []
        var tags: [UInt32] = []
        var watermark: UInt64 = 0
        for _ in 0..<2000 {
            for _ in 0..<Int(generator.next() % 12) {
                clock += generator.next() % 5000
                let ring = Int(generator.next() % 5)
                let tag = UInt32(written.count)
                rings.rings[ring].append(time: clock, tag: tag, headers: generator.next() % 8 == 0 ? 74 : nil)
                written.append((clock, tag))
            }
            clock += generator.next() % 3000
            let look = rings.look(now: clock)
            #expect(look.watermark >= watermark)
            if let first = look.times.first { #expect(first >= watermark) }
            watermark = look.watermark
            times += look.times
            tags += look.tags
        }
        let rest = rings.look(now: clock + second)
        times += rest.times
        tags += rest.tags
        #expect(tags.sorted() == written.map(\.tag))
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        for (tag, time) in zip(tags, times) {
            // Within a bare record's step of what was written.
            let truth = written[Int(tag)].time
            #expect(time <= truth + 1023)
            #expect(time + 1023 >= truth)
        }
    }
}
