// SPDX-License-Identifier: Apache-2.0

/// By what a packet's flow and its source are looked for: all that can be found out of the packet alone, so that it can
/// be found out before it is its turn, and on another thread.
@usableFromInline package struct PacketHashes: BitwiseCopyable, Sendable {
    /// The hash of its flow, the same for both directions.
    @usableFromInline package var flow: UInt64
    /// The hash of its source.
    @usableFromInline package var host: UInt64
    /// Its source is the high end of its flow.
    @usableFromInline package var sourceIsHigh: Bool

    @inlinable package init(flow: UInt64, host: UInt64, sourceIsHigh: Bool) {
        self.flow = flow
        self.host = host
        self.sourceIsHigh = sourceIsHigh
    }
}

/// Makes the hashes of packets; there is room for one of each.
package typealias PacketHashing =
    @Sendable (UnsafeBufferPointer<ObservedPacket>, UnsafeMutablePointer<PacketHashes>) ->
    Void
