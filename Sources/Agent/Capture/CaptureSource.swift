// SPDX-License-Identifier: Apache-2.0
package import Capture
package import Packets

/// The source of the agent's packets: a live capture, or a test's packets.
package protocol CaptureSource: Sendable {
    /// The ledger as of a moment ago.
    var ledger: Ledger { get }

    /// Ends the capture: `run` returns after the batch it is at.
    ///
    /// May be called from any thread, also before `run`.
    func stop()

    /// Puts a flow into focus, or takes it out.
    ///
    /// Called while `run` hands over a batch, by its thread.
    ///
    /// - Returns: from when on that holds, ns since 1970.
    func focus(_ flow: FiveTuple, isOn: Bool) -> UInt64

    /// Hands over batches until `stop` or until there is nothing left to capture.
    ///
    /// Blocks.
    func run(
        notice: (LiveCapture.Notice) -> Void, _ handle: (PacketBatch) -> Void
    ) throws(CaptureError) -> LiveCapture.End
}

extension LiveCapture: CaptureSource {}
