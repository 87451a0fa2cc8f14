// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Capture

/// Tests of limits that a capture would run into.
struct ProcessLimitsTests {
    @Test("Too few descriptors are an error with a next step, enough are none")
    func descriptors() throws {
        let error = #expect(throws: CaptureError.self) { try ProcessLimits.check(descriptors: 63) }
        #expect(error?.code == .unavailable)
        #expect(error?.advice.contains("LimitNOFILE") == true)
        try ProcessLimits.check(descriptors: ProcessLimits.descriptors)
    }

    @Test("The least limit on the way up counts; max and other versions are none")
    func memory() {
        let limits = ["/a/b": "max\n", "/a": "1048576\n", "": "4096000\n"]
        #expect(ProcessLimits.memory(groups: "0::/a/b\n") { limits[$0] } == 1_048_576)
        #expect(ProcessLimits.memory(groups: "0::/c\n") { limits[$0] } == 4_096_000)
        #expect(ProcessLimits.memory(groups: "0::/\n") { $0.isEmpty ? nil : "7" } == nil)
        #expect(ProcessLimits.memory(groups: "3:memory:/a\n") { limits[$0] } == nil)
        #expect(ProcessLimits.memory(groups: "") { limits[$0] } == nil)
    }
}
