// SPDX-License-Identifier: Apache-2.0
import Packets
import Testing

@testable import Capture

/// Tests of the shedding controller against simulated loads.
struct SheddingControllerTests {
    private typealias Simulation = SheddingSimulation
    private typealias Offer = SheddingSimulation.Offer

    @Test("A load within the budget sheds nothing, whatever its mixture")
    func within() {
        for offer in [
            Offer(), Offer(bulk: 700_000), Offer(handshakes: 200_000),
            Offer(bulk: 300_000, handshakes: 80_000, resets: 20_000),
        ] {
            var simulation = Simulation()
            simulation.run(30) { _ in offer }
            #expect(simulation.seconds.changes == 0)
            #expect(simulation.controller.levels == .none)
            #expect(simulation.controller.cause == nil)
            #expect(simulation.seconds.lost == 0)
        }
    }

    @Test("A load above the budget is brought below it soon, and stays there", arguments: [1.3, 2, 3, 8])
    func above(times: Double) {
        var simulation = Simulation()
        simulation.run(60) { _ in Offer(bulk: 900_000 * times, handshakes: 5000 * times) }
        // The first second may take what was saved before.
        #expect(simulation.seconds[2...].cpu < 0.26)
        #expect(simulation.controller.cause == .cpu)
        #expect(simulation.controller.levels.bulk >= 1)
        // Handshakes are few: they are all kept.
        #expect(simulation.controller.levels.handshake == 0)
        // It does not go to and fro, and does not shed more than it must.
        #expect(simulation.seconds[5...].changes <= 1)
        #expect(simulation.seconds[10...].cpu > 0.25 * 0.35)
    }

    @Test("Half an hour of one load is half an hour of the same levels", arguments: [1.6, 2.1, 2.9, 3.6, 4.3])
    func stays(times: Double) {
        var simulation = Simulation()
        simulation.lookCost = 12_000
        simulation.run(1800) { _ in Offer(bulk: 900_000 * times, handshakes: 20_000) }
        #expect(simulation.seconds[30...].changes <= 2)
        #expect(simulation.seconds[10...].cpu < 0.25)
    }

    @Test("A flood of SYNs sheds handshakes, never more of them than of bulk")
    func handshakes() {
        var simulation = Simulation()
        simulation.run(20) { _ in Offer(bulk: 1000, handshakes: 3_000_000) }
        let levels = simulation.controller.levels
        #expect(levels.handshake >= 3)
        #expect(levels.bulk >= levels.handshake)
        #expect(simulation.seconds[3...].cpu < 0.26)
        // Negative: where bulk alone is the load, handshakes stay.
        var bulk = Simulation()
        bulk.run(20) { _ in Offer(bulk: 6_000_000, handshakes: 2000) }
        #expect(bulk.controller.levels.handshake == 0)
        #expect(bulk.controller.levels.bulk >= 2)
    }

    @Test("After a flood all is kept again: not at once, but within a minute")
    func after() {
        var simulation = Simulation()
        simulation.run(10) { _ in Offer(bulk: 1000, handshakes: 4_000_000) }
        let levels = simulation.controller.levels
        #expect(levels.handshake >= 3)
        simulation.run(1) { _ in Offer(bulk: 1000) }
        #expect(simulation.controller.levels != .none)
        simulation.run(60) { _ in Offer(bulk: 1000) }
        #expect(simulation.controller.levels == .none)
        #expect(simulation.controller.cause == nil)
    }

    @Test("A burst within what was saved sheds nothing, a longer one does")
    func burst() {
        var short = Simulation()
        short.run(30) { time in Offer(bulk: time.truncatingRemainder(dividingBy: 10) < 0.1 ? 2_500_000 : 10_000) }
        #expect(short.seconds.changes == 0)
        var long = Simulation()
        long.run(30) { time in Offer(bulk: time.truncatingRemainder(dividingBy: 10) < 3 ? 2_500_000 : 10_000) }
        #expect(long.seconds.changes > 0)
    }

    @Test("A load that comes and goes does not make it come and go for ever")
    func square() {
        var simulation = Simulation()
        simulation.run(600) { time in Offer(bulk: time.truncatingRemainder(dividingBy: 16) < 8 ? 2_500_000 : 200_000) }
        #expect(simulation.seconds[300...].changes <= 16)
        #expect(simulation.seconds[300...].cpu < 0.25)
    }

    @Test("Without a budget only a ring that fills up sheds")
    func full() {
        var simulation = Simulation(.init(cpuBudget: nil))
        simulation.run(20) { _ in Offer(bulk: 3_000_000, handshakes: 10_000) }
        #expect(simulation.seconds.changes == 0)
        #expect(simulation.seconds.cpu > 0.5)
        simulation.run(20) { _ in Offer(bulk: 9_000_000, handshakes: 10_000) }
        #expect(simulation.controller.cause == .ring)
        #expect(simulation.controller.levels.bulk >= 2)
        #expect(simulation.controller.levels.handshake == 0)
        #expect(simulation.seconds[25...].lost == 0)
        #expect(simulation.seconds[25...].changes <= 1)
    }

    @Test("A consumer that waits for something else is slow as well: its rings tell")
    func waiting() {
        var simulation = Simulation()
        simulation.bulkCost = 20_000
        simulation.cpuShare = 0.02
        simulation.ringBytes = 1 << 20
        simulation.run(60) { _ in Offer(bulk: 200_000, handshakes: 500) }
        #expect(simulation.controller.cause == .ring)
        #expect((2...4).contains(simulation.controller.levels.bulk))
        #expect(simulation.seconds[5...].lost == 0)
        #expect(simulation.seconds[10...].changes <= 2)
    }

    @Test("A stop of the consumer that fills the ring once is no reason to shed")
    func stop() {
        var controller = SheddingController()
        var now: UInt64 = 1_000_000_000
        var fill = 0.0
        var figures = SheddingController.Figures()
        var changes = 0
        for look in 0..<4000 {
            now += 1_000_000
            figures.idleTime += 900_000
            figures.cpuTime += 50_000
            figures.bulk += 200
            // Once it is full, and emptied within 20 ms.
            fill = look == 1000 ? 0.75 : max(0, fill - 0.04)
            if controller.look(now: now, fill: fill, figures: { [figures] in figures }) != nil { changes += 1 }
        }
        #expect(changes == 0)
        // Negative: one that is not emptied is.
        for _ in 0..<20 {
            now += 1_000_000
            figures.bulk += 1024
            if controller.look(now: now, fill: 0.75, figures: { [figures] in figures }) != nil { changes += 1 }
        }
        #expect(changes > 0)
    }

    @Test("A flood of resets leaves a quarter of the budget to the rest")
    func resets() {
        var simulation = Simulation()
        simulation.run(20) { _ in Offer(bulk: 150_000, handshakes: 4000, resets: 800_000) }
        // What is left fits into that quarter: nothing needs to be given up.
        #expect(simulation.controller.levels == .none)
        simulation.run(20) { _ in Offer(bulk: 900_000, handshakes: 4000, resets: 600_000) }
        #expect((1...4).contains(simulation.controller.levels.bulk))
        #expect(simulation.controller.levels.handshake == 0)
    }

    @Test("What is shed at least is shed, and no less")
    func least() throws {
        let four = try #require(SheddingLevels(keepingOneOf: 4))
        var simulation = Simulation(.init(least: four))
        #expect(simulation.controller.cause == .option)
        simulation.run(60) { _ in Offer(bulk: 10_000) }
        #expect(simulation.controller.levels == four)
        simulation.run(20) { _ in Offer(bulk: 12_000_000) }
        #expect(simulation.controller.levels.bulk > 2)
        simulation.run(60) { _ in Offer(bulk: 10_000) }
        #expect(simulation.controller.levels == four)
        #expect(simulation.controller.cause == .option)
    }

    @Test("Levels are bounded, and handshakes never shed more than bulk")
    func bounds() {
        #expect(SheddingLevels(bulk: 1, handshake: 3).bulk == 3)
        #expect(SheddingLevels(bulk: 99, handshake: 99) == SheddingLevels(bulk: 10, handshake: 10))
        #expect(SheddingLevels(keepingOneOf: 3) == nil)
        #expect(SheddingLevels(keepingOneOf: 0) == nil)
        #expect(SheddingLevels(keepingOneOf: 2048) == nil)
        #expect(SheddingLevels(keepingOneOf: 1) == SheddingLevels.none)
        let levels = SheddingLevels(bulk: 3, handshake: 1)
        #expect(levels.cut(.bulk) == 0xe000_0000 && levels.cut(.handshake) == 0x8000_0000)
        #expect(levels.cut(.reset) == 0 && levels.cut(.icmp) == 0)
        #expect(levels.ratio(.bulk) == 0.875 && levels.ratio(.reset) == 0)
        // Whoever has its bulk has its handshake.
        for hash in stride(from: UInt32(0), to: .max - 0x0400_0000, by: 0x0400_0000)
        where !levels.sheds(.bulk, hash: hash) {
            #expect(!levels.sheds(.handshake, hash: hash))
        }
        var simulation = Simulation()
        simulation.run(30) { _ in Offer(bulk: 4_000_000_000, handshakes: 400_000_000) }
        #expect(simulation.controller.levels == SheddingLevels(bulk: 10, handshake: 10))
    }
}
