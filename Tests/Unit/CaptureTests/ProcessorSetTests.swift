// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Capture

/// Tests of the CPU numbers that size memory shared with the kernel.
struct ProcessorSetTests {
    private static let statistics = "cpu  1 2 3\ncpu0 1 2 3\ncpu3 1 2 3\nintr 5\n"

    @Test("Every source adds to what is online; none can lower the bound")
    func combined() throws {
        let all = try ProcessorSet(bound: 64, allowed: [1], list: "0-1\n", statistics: Self.statistics)
        #expect(all.online == [0, 1, 3])
        #expect(all.ringCount == 4)
        #expect(all.bound == 64)
        // A container's own files show fewer CPUs than the kernel runs this process on.
        let masked = try ProcessorSet(bound: 128, allowed: [70], list: "0\n", statistics: "cpu0 1\n")
        #expect(masked.ringCount == 71)
        #expect(masked.bound == 128)
    }

    @Test("One of the two files is enough, none of them is an error")
    func missing() throws {
        #expect(try ProcessorSet(bound: 64, allowed: [0], list: nil, statistics: Self.statistics).online == [0, 3])
        #expect(try ProcessorSet(bound: 64, allowed: [0], list: "0-2", statistics: nil).online == [0, 1, 2])
        for (list, statistics) in [(nil, nil), ("", ""), ("none", "cpus 1")] as [(String?, String?)] {
            let error = #expect(throws: CaptureError.self) {
                try ProcessorSet(bound: 64, allowed: [0], list: list, statistics: statistics)
            }
            #expect(error?.code == .unavailable)
            #expect(error?.advice.isEmpty == false)
        }
    }

    @Test("A CPU that the kernel cannot have is an error")
    func strangers() {
        #expect(throws: CaptureError.self) {
            try ProcessorSet(bound: 64, allowed: [0], list: "0-64", statistics: nil)
        }
        #expect(throws: CaptureError.self) {
            try ProcessorSet(bound: 64, allowed: [0], list: nil, statistics: "cpu9999 1\n")
        }
    }

    @Test("This machine's are consistent")
    func here() throws {
        let here = try ProcessorSet.current()
        #expect(here.bound >= here.ringCount)
        #expect(here.bound.isMultiple(of: 64))
    }
}
