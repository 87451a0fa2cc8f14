// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import Testing

/// Tests of configurations that take more memory than there may be.
struct MemoryNeedTests {
    @Test("What does not fit is refused, what hardly fits is told, what fits is not")
    func limits() throws {
        let gibibyte: UInt64 = 1 << 30
        #expect(try MemoryNeed(rings: 8 << 20, tables: 40 << 20).warning(limit: gibibyte) == nil)
        #expect(try MemoryNeed(rings: gibibyte * 2, tables: 40 << 20).warning(limit: nil) == nil)
        let error = #expect(throws: CaptureError.self) {
            try MemoryNeed(rings: gibibyte * 2, tables: 40 << 20).warning(limit: gibibyte)
        }
        #expect(error?.code == .unavailable)
        #expect(error?.problem.contains("2048 MiB") == true)
        #expect(
            try MemoryNeed(rings: 800 << 20, tables: 40 << 20).warning(limit: gibibyte)?.contains("800 MiB") == true)
    }

    @Test("The defaults fit into what the service may have")
    func defaults() throws {
        let need = try MemoryNeed(Configuration())
        #expect(need.tables == 131_072 * 192 + 65_536 * 128)
        #expect(try need.warning(limit: need.rings + (1 << 30)) == nil)
    }
}
