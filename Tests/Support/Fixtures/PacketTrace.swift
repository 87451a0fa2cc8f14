// SPDX-License-Identifier: Apache-2.0
package import CPacket
package import Packets

/// Packets as an engine gets them, made of built frames: keeps the records and the snapshots that they point to.
///
/// The packets' `headers` are valid as long as the trace is.
package final class PacketTrace {
    /// The packets in the order in which they were added, numbered from 1.
    package private(set) var packets: [ObservedPacket] = []
    /// The reasons of the frames that were refused, in order.
    package private(set) var refusals: [packet_refusal] = []
    private var snapshots: [UnsafeMutablePointer<header_snapshot>] = []

    package init() {}

    /// Parses `frame` with the host parser and appends what it gives.
    /// - `time`: nanoseconds since 1970.
    /// - `interface`: `PACKET_INTERFACE_*` of the record.
    ///
    /// Returns whether the parser took the frame.
    @discardableResult
    package func add(_ frame: FrameBuilder, time: UInt64, interface: UInt8 = 0) -> Bool {
        switch frame.parsed(time: time, interface: interface) {
        case .refused(let reason):
            refusals.append(reason)
            return false
        case .parsed(let record, let snapshot):
            var headers: UnsafeMutablePointer<header_snapshot>?
            if let snapshot {
                let kept = UnsafeMutablePointer<header_snapshot>.allocate(capacity: 1)
                kept.initialize(to: snapshot)
                snapshots.append(kept)
                headers = kept
            }
            packets.append(
                observed_packet(
                    record: record, time: time, frame: UInt64(packets.count + refusals.count + 1), headers: headers))
            return true
        }
    }

    deinit {
        for snapshot in snapshots {
            snapshot.deallocate()
        }
    }
}
