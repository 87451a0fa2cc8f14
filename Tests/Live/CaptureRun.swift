// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Foundation
import Packets
import Synchronization

/// A capture that runs on a thread of its own and keeps copies of what it gave.
final class CaptureRun: Sendable {
    /// A packet, kept beyond its batch.
    struct Kept: Sendable {
        var record: PacketRecord
        var time: UInt64
        /// The header bytes, where there are some.
        var headers: [UInt8]?
        var wireLength: UInt32
        var vlan: UInt16
    }

    private struct State {
        var kept: [Kept] = []
        var traces: [ResetTrace] = []
        var neighbours: [Neighbour] = []
        var batches = 0
        var ticks = 0
        var lastWatermark: UInt64 = 0
        var disorder = 0
        var notices: [LiveCapture.Notice] = []
        var told: [[AttachmentInfo]] = []
        var end: Result<LiveCapture.End, CaptureError>?
    }

    let capture: LiveCapture
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)
    /// Whether the consumer is to stand still, and whether it does.
    private let hold = Mutex((isWanted: false, isInForce: false))

    /// Starts it.
    ///
    /// `keeps` is false where only counts matter; `delay` slows the consumer down, in microseconds a batch. The flows
    /// of `focus` are in focus when it returns.
    init(
        _ options: LiveCapture.Options, keeps: Bool = true, delay: UInt32 = 0, focus: [FiveTuple] = []
    ) throws {
        capture = try LiveCapture(options)
        for flow in focus { capture.focus(flow, isOn: true) }
        let thread = Thread { [self] in
            let end = Result { () throws(CaptureError) in
                try capture.run(notice: { notice in self.state.withLock { $0.notices.append(notice) } }) { batch in
                    self.take(batch, keeps: keeps)
                    if delay > 0, !batch.packets.isEmpty { usleep(delay) }
                    while self.stands() { usleep(1000) }
                }
            }
            state.withLock { $0.end = end }
            ended.signal()
        }
        thread.start()
    }

    private func stands() -> Bool {
        hold.withLock { hold in
            hold.isInForce = hold.isWanted
            return hold.isWanted
        }
    }

    /// Lets the consumer take nothing until `resume`.
    ///
    /// False if it did not come to rest.
    func pause() -> Bool {
        hold.withLock { $0.isWanted = true }
        return waits { $0.hold.withLock { $0.isInForce } }
    }

    func resume() { hold.withLock { $0.isWanted = false } }

    private func take(_ batch: PacketBatch, keeps: Bool) {
        state.withLock { state in
            state.batches += 1
            state.traces += batch.traces
            state.neighbours += batch.neighbours
            if let attachments = batch.attachments { state.told.append(attachments) }
            if batch.packets.isEmpty { state.ticks += 1 }
            if batch.watermark < state.lastWatermark { state.disorder += 1 }
            var last = state.lastWatermark
            for packet in batch.packets {
                if packet.time < last { state.disorder += 1 }
                last = packet.time
                if keeps { state.kept.append(Self.copy(packet)) }
            }
            if last > batch.watermark { state.disorder += 1 }
            state.lastWatermark = batch.watermark
        }
    }

    private static func copy(_ packet: ObservedPacket) -> Kept {
        guard let headers = packet.headers else {
            return Kept(record: packet.record, time: packet.time, headers: nil, wireLength: 0, vlan: 0)
        }
        let bytes = withUnsafeBytes(of: headers.pointee.bytes) { Array($0.prefix(Int(headers.pointee.length))) }
        return Kept(
            record: packet.record, time: packet.time, headers: bytes, wireLength: headers.pointee.wire_length,
            vlan: headers.pointee.vlan)
    }

    var kept: [Kept] { state.withLock { $0.kept } }
    /// The kernel's events about its own resets.
    var traces: [ResetTrace] { state.withLock { $0.traces } }
    /// The stations on the link that batches told of.
    var neighbours: [Neighbour] { state.withLock { $0.neighbours } }
    /// The attachments that batches told of.
    var told: [[AttachmentInfo]] { state.withLock { $0.told } }
    var notices: [LiveCapture.Notice] { state.withLock { $0.notices } }
    /// Packets before their predecessor or before a watermark, and watermarks that went back.
    var disorder: Int { state.withLock { $0.disorder } }
    var ticks: Int { state.withLock { $0.ticks } }
    var watermark: UInt64 { state.withLock { $0.lastWatermark } }

    /// Waits until `condition` holds, five seconds at most.
    ///
    /// False if it never did.
    func waits(for condition: (CaptureRun) -> Bool) -> Bool {
        for _ in 0..<1000 {
            if condition(self) { return true }
            usleep(5000)
        }
        return condition(self)
    }

    /// Waits for the end without asking for it; `nil` if it did not come within five seconds.
    func end() -> Result<LiveCapture.End, CaptureError>? {
        guard ended.wait(timeout: .now() + 5) == .success else { return nil }
        ended.signal()
        return state.withLock { $0.end }
    }

    /// Stops it and returns why it ended.
    @discardableResult
    func stop() -> Result<LiveCapture.End, CaptureError>? {
        resume()
        capture.stop()
        return end()
    }
}
