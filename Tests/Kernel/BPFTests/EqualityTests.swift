// SPDX-License-Identifier: Apache-2.0
import BPFHarness
import CPacket
import Fixtures
import Glibc
import Packets
import Testing

/// The kernel's programs and the host parser say the same of every frame, byte for byte, but for time and interface.
@Suite(
    "Kernel and host agree", .serialized,
    .enabled(if: KernelObject.areUsable, "needs root, a kernel with BPF, and the objects that make bpf builds"))
struct EqualityTests {
    @Test("the objects are as new as their sources", arguments: KernelObject.all)
    func freshness(_ object: KernelObject) {
        #expect(object.isFresh, "\(object) is older than bpf/: make bpf")
    }

    @Test("frames at the edges", arguments: KernelObject.all)
    func edges(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var comparison = Comparison()
        for edge in EdgeFrames.all {
            comparison.add(edge.name, edge.frame.bytes, programs)
        }
        print("\(object), frames at the edges: \(comparison.summary)")
        #expect(comparison.differences == [])
        #expect(comparison.frames > 1000)
        #expect(comparison.records > 1000)
        #expect(comparison.refusals > 1000)
    }

    /// Below 14 bytes the kernel takes no frame for XDP, below 34 none for TC.
    @Test("every truncation", arguments: KernelObject.all)
    func truncations(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var comparison = Comparison()
        var cut: Set<[UInt8]> = []
        for edge in EdgeFrames.all where !edge.name.hasPrefix("flags") {
            let bytes = edge.frame.bytes
            for length in 14..<max(15, min(bytes.count, 420)) {
                let part = Array(bytes.prefix(length))
                if cut.insert(part).inserted { comparison.add("\(edge.name) cut", part, programs) }
            }
        }
        print("\(object), truncations: \(comparison.summary)")
        #expect(comparison.differences == [])
        #expect(comparison.frames > 10_000)
    }

    @Test("damaged frames", arguments: KernelObject.all)
    func damage(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var comparison = Comparison()
        var random = SplitMix(state: 0x5eed)
        let edges = EdgeFrames.all
        for _ in 0..<20_000 {
            let edge = edges[Int(random.next() % UInt64(edges.count))]
            var bytes = edge.frame.bytes
            for _ in 0..<1 + random.next() % 4 {
                // Most of what matters stands in the first bytes.
                let index = Int(random.next() % UInt64(min(bytes.count, 12 + Int(random.next() % 120))))
                bytes[index] = UInt8(truncatingIfNeeded: random.next())
            }
            comparison.add("\(edge.name) damaged", bytes, programs)
        }
        print("\(object), damaged frames: \(comparison.summary)")
        #expect(comparison.differences == [])
    }

    @Test(
        "every Ethernet frame of real captures", .enabled(if: !RawCapture.files.isEmpty, "RSTWHO_CAPTURES has none"),
        arguments: KernelObject.all)
    func captures(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var comparison = Comparison()
        for file in RawCapture.files {
            for (index, frame) in try RawCapture(file: file).frames.enumerated() {
                comparison.add("\(file) \(index + 1)", frame, programs)
            }
        }
        print("\(object), captures: \(comparison.summary)")
        #expect(comparison.differences == [])
        #expect(comparison.frames > 10_000)
    }

    @Test("the verifier needs under 100,000 instructions for each program", arguments: KernelObject.all)
    func verification(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        for program in KernelPrograms.all {
            let count = programs.verifiedInstructions(program)
            print("\(object), \(KernelPrograms.name(program)): \(count) instructions verified")
            #expect(count > 0)
            #expect(count < 100_000)
        }
    }

    @Test("without a lease the programs see nothing and let everything pass", arguments: KernelObject.all)
    func lease(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        let frame = Ethernet().ipv4().tcp(flags: .rst).bytes
        for program in KernelPrograms.all {
            let verdict: UInt32 = program == HARNESS_XDP || program == HARNESS_XDP_FRAGS ? 2 : .max
            let ended = programs.renewLease(ticks: 0)
            let without = programs.run(program, frame)
            let shortened = programs.renewLease(ticks: 1)
            // A jiffy is 10 ms at most.
            usleep(30_000)
            let late = programs.run(program, frame)
            let renewed = programs.renewLease(ticks: 1_000_000)
            let with = programs.run(program, frame)
            #expect(ended && shortened && renewed)
            func counts(_ result: harness_result?) -> [UInt32]? {
                result.map { [$0.verdict, UInt32($0.seen), UInt32($0.idle), $0.records] }
            }
            // Nobody expects to see what comes without a lease; what comes when it has run out is counted.
            #expect(counts(without) == [verdict, 0, 0, 0])
            #expect(counts(late) == [verdict, 0, 1, 0])
            #expect(counts(with) == [verdict, 1, 0, 1])
        }
    }
}
