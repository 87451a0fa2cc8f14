// SPDX-License-Identifier: Apache-2.0
import Packets

@testable import Capture

/// A link, a ring and a consumer beside a controller: what it decides has the effect that it would have.
struct SheddingSimulation {
    /// Packets per second.
    struct Offer {
        var bulk = 0.0
        var handshakes = 0.0
        var resets = 0.0
    }

    /// The figures of one simulated second.
    struct Second {
        var cpu = 0.0
        var changes = 0
        var lost = 0.0
        var levels = SheddingLevels.none
    }

    var controller: SheddingController
    /// The cost of a record to the consumer, in ns, with and without headers.
    var bulkCost = 250.0
    var headerCost = 900.0
    /// The cost of a drain, in ns.
    var lookCost = 3000.0
    /// The part of the consumer's time that is CPU time; less where it waits for something else.
    var cpuShare = 1.0
    var ringBytes = 4 << 20
    /// Numbers that differ by chance, the same in each run.
    private var random: UInt64 = 88_172_645_463_325_252

    private(set) var seconds: [Second] = []
    private var now = 1_000_000_000.0
    private var waiting = Offer()
    private var figures = SheddingController.Figures()

    init(_ options: SheddingController.Options = .init()) {
        controller = SheddingController(options)
    }

    private var usedBytes: Double { waiting.bulk * 72 + (waiting.handshakes + waiting.resets) * 328 }

    private mutating func chance() -> Double {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Double(random % 1_000_000) / 1_000_000
    }

    /// Runs for some seconds; `offer` says what comes at each moment (in seconds from now on).
    mutating func run(_ count: Int, _ offer: (Double) -> Offer) {
        let begin = now
        for second in 0..<count {
            var result = Second()
            let end = begin + Double(second + 1) * 1e9
            while now < end { look(offer((now - begin) / 1e9), &result) }
            result.levels = controller.levels
            seconds.append(result)
        }
    }

    private mutating func look(_ offer: Offer, _ second: inout Second) {
        let fill = usedBytes / Double(ringBytes)
        let bulk = min(waiting.bulk, 1024)
        let handshakes = min(waiting.handshakes, 1024 - bulk)
        let resets = min(waiting.resets, 1024 - bulk - handshakes)
        waiting.bulk -= bulk
        waiting.handshakes -= handshakes
        waiting.resets -= resets
        figures.bulk += UInt64(bulk)
        figures.handshakes += UInt64(handshakes)
        figures.precious += UInt64(resets)
        let time = lookCost + bulk * bulkCost + (handshakes + resets) * headerCost
        figures.cpuTime += UInt64(time * cpuShare)
        second.cpu += time * cpuShare / 1e9
        if controller.look(now: UInt64(now + time), fill: fill, figures: { [figures] in figures }) != nil {
            second.changes += 1
        }
        let hasMore = bulk + handshakes + resets >= 1023
        let backlog = Int(fill * Double(ringBytes))
        let pause = hasMore ? 0 : Double(LiveCapture.pause(backlog: backlog, ringBytes: ringBytes)) + 60_000
        figures.idleTime += UInt64(pause)
        arrive(offer, during: time + pause, &second)
        now += time + pause
    }

    /// Adds the records that arrive meanwhile, with jitter, and counts those without room.
    private mutating func arrive(_ offer: Offer, during time: Double, _ second: inout Second) {
        let part = time / 1e9 * (0.6 + 0.8 * chance())
        waiting.resets += offer.resets * part
        let lost =
            add(offer.handshakes * part, .handshake, \.handshakes, 328, 7.0 / 8)
            + add(offer.bulk * part, .bulk, \.bulk, 72, 3.0 / 4)
        second.lost += lost
        figures.lost += UInt64(lost)
        waiting.resets -= max(0, usedBytes - Double(ringBytes)) / 328
    }

    private mutating func add(
        _ offered: Double, _ packetClass: PacketClass, _ path: WritableKeyPath<Offer, Double>, _ bytes: Double,
        _ limit: Double
    ) -> Double {
        let kept = offered * controller.levels.keptShare(packetClass)
        let room = max(0, Double(ringBytes) * limit - usedBytes) / bytes
        waiting[keyPath: path] += min(kept, room)
        return max(0, kept - room)
    }
}

extension [SheddingSimulation.Second] {
    /// The part of a core that was taken on average.
    var cpu: Double { reduce(0) { $0 + $1.cpu } / Double(Swift.max(count, 1)) }
    var changes: Int { reduce(0) { $0 + $1.changes } }
    var lost: Double { reduce(0) { $0 + $1.lost } }
}

extension ArraySlice<SheddingSimulation.Second> {
    var cpu: Double { Array(self).cpu }
    var changes: Int { Array(self).changes }
    var lost: Double { Array(self).lost }
}
