// SPDX-License-Identifier: Apache-2.0
package import Capture

/// Where the agent's packets come from: a live capture, or a test's packets.
package protocol CaptureSource: Sendable {
    /// Where packets went, as of a moment ago.
    var ledger: Ledger { get }

    /// Ends the capture: `run` returns after the batch it is at. May be called from any thread, also before `run`.
    func stop()

    /// Hands over batches until `stop` or until there is nothing left to capture. Blocks.
    func run(
        notice: (LiveCapture.Notice) -> Void, _ handle: (PacketBatch) -> Void
    ) throws(CaptureError) -> LiveCapture.End
}

extension LiveCapture: CaptureSource {}
