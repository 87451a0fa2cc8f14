// SPDX-License-Identifier: Apache-2.0
package import Capture
internal import Diagnosis

/// The memory that a configuration takes at most, against what this process may have.
package struct MemoryNeed: Sendable, Equatable {
    /// Program, libraries, findings and answers, in bytes.
    private static let base: UInt64 = 96 << 20

    /// Bytes of the rings, which are taken at the start.
    package var rings: UInt64
    /// Bytes of the tables of hosts and flows, which a flood fills.
    package var tables: UInt64

    package init(rings: UInt64, tables: UInt64) {
        self.rings = rings
        self.tables = tables
    }

    /// - Throws: `unavailable` where the CPUs cannot be counted.
    package init(_ configuration: Configuration) throws(CaptureError) {
        let options = configuration.engineOptions
        self.init(
            rings: try LiveCapture.ringMemory(configuration.captureOptions.ringBytes),
            tables: Engine.tableBytes(hosts: options.hostCapacity, flows: options.flowCapacity))
    }

    /// Returns the warning about it; `nil` if it fits.
    ///
    /// - Throws: `unavailable` where what is taken at the start does not fit, or where the tables would take more than
    ///   there is in a flood.
    package func warning(limit: UInt64?) throws(CaptureError) -> String? {
        guard let limit else { return nil }
        let all = rings + tables + Self.base
        let text =
            "rings take \(Self.mebibytes(rings)), tables up to \(Self.mebibytes(tables)), the rest about "
            + "\(Self.mebibytes(Self.base)); this process may have \(Self.mebibytes(limit)) (memory.max of its control group)"
        guard all <= limit else {
            throw CaptureError(
                .unavailable, subject: "memory", problem: text,
                advice: "Ask for smaller rings (--ring-size) or tables (--max-hosts, --max-flows), or raise the limit")
        }
        return all > limit / 10 * 9 ? "memory: \(text). The kernel ends it in a flood if that is exceeded" : nil
    }

    private static func mebibytes(_ bytes: UInt64) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
}
