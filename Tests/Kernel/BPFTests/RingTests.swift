// SPDX-License-Identifier: Apache-2.0
import BPFHarness
import CPacket
import Fixtures
import Foundation
import Packets
import Testing

/// Tests of the programs with a ring that is taken, and of the clock.
@Suite(
    "Rings", .serialized,
    .enabled(if: KernelObject.areUsable, "needs root, a kernel with BPF, and the objects that make bpf builds"))
struct RingTests {
    private static let data = Ethernet().ipv4().tcp(flags: .ack).payload("data").bytes
    private static let reset = Ethernet().ipv6().tcp(flags: .rst).bytes

    @Test(
        "a packet that interrupts the look at another passes and is counted, whether programs are preemptible or not",
        arguments: KernelObject.all, [false, true])
    func taken(_ object: KernelObject, isPreemptible: Bool) throws {
        let programs = try KernelPrograms(object, isPreemptible: isPreemptible)
        for program in KernelPrograms.all {
            let verdict: UInt32 = program == HARNESS_XDP || program == HARNESS_XDP_FRAGS ? 2 : .max
            for frame in [Self.data, Self.reset] {
                let isHeld = programs.holdRings(true)
                #expect(isHeld)
                let without = programs.run(program, frame)
                #expect(without.map { [$0.missed, $0.seen, $0.recorded, UInt64($0.records)] } == [1, 0, 0, 0])
                #expect(without?.verdict == verdict)
                let isFree = programs.holdRings(false)
                #expect(isFree)
                // Twice: the ring is let go behind each packet, recorded or refused.
                for _ in 0..<2 {
                    let with = programs.run(program, frame)
                    #expect(with.map { [$0.missed, $0.seen, $0.recorded, UInt64($0.records)] } == [0, 1, 1, 1])
                    let refused = programs.run(program, Array(frame.prefix(60)).map { $0 & 0x0f })
                    #expect(refused.map { [$0.missed, $0.seen, $0.refused] } == [0, 1, 1])
                }
            }
        }
    }

    /// CLOCK_MONOTONIC in the record's units of 1024 ns.
    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return (UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)) >> 10
    }

    /// Returns the age of a record's time when the program began, in units of 1024 ns; `nil` if it is younger than the
    /// program's end.
    private static func age(
        _ programs: borrowing KernelPrograms, _ frame: [UInt8]
    ) -> UInt64? {
        let before = now()
        guard let result = programs.run(HARNESS_XDP, frame), result.records == 1 else { return nil }
        let after = now()
        let ahead = UInt64(UInt32(truncatingIfNeeded: after) &- result.record.time)
        // A time from the future is far behind, in 32 bits.
        guard ahead < 1 << 31 else { return nil }
        return ahead > after - before ? ahead - (after - before) : 0
    }

    @Test(
        "bulk's times are no younger than now and no older than a tick, resets' are their own",
        arguments: KernelObject.all)
    func clock(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        // A tick of the slowest kernel (100 Hz), twice: ticks come late on a busy virtual machine.
        let tick: UInt64 = 2 * 10_000_000 / 1024
        var oldest: UInt64 = 0
        for _ in 0..<2000 {
            let age = Self.age(programs, Self.data)
            #expect(age != nil)
            oldest = max(oldest, age ?? 0)
        }
        #expect(oldest < tick)
        for _ in 0..<50 { #expect(Self.age(programs, Self.reset) == 0) }
        // The first of a tick looks at the clock itself.
        usleep(30_000)
        #expect(Self.age(programs, Self.data) == 0)
    }
}
