// SPDX-License-Identifier: Apache-2.0
package import Capture
package import Diagnosis

extension Engine.Batch {
    /// The engine's part of a capture's batch.
    package init(_ batch: PacketBatch) {
        self.init(batch.packets, hashes: batch.hashes, upTo: batch.watermark)
        traces = batch.traces
        hasAllTraces = batch.hasAllTraces
        drops = batch.drops
        gap = batch.gap
        shedding = batch.shedding
        neighbours = batch.neighbours
    }
}
