// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Packets

/// The reader of kernel drops of focused flows in this network namespace (optional object `bpf/drop_trace.bpf.c`).
///
/// Not for two threads at once.
final class DropTraceReader {
    private let object: TraceObject<drop_trace_event>
    private let reasons: [UInt32: String]

    /// Loads and attaches it in the calling thread's network namespace.
    ///
    /// - Parameters:
    ///   - sharing: the object whose lease it obeys and whose focus it has.
    ///   - key: the key of the focus.
    /// - Throws: `unavailable`, most often because the kernel has no BTF.
    init(sharing: BPFObject, key: FlowHashKey) throws(CaptureError) {
        rstwho_quiet_libbpf()
        object = try TraceObject(
            "the trace of packets that this machine drops", object: rstwho_open_drop_trace(), program: "rstwho_drop",
            ring: ("drops", "drops_lost", DROP_TRACE_RING_BYTES), sharing: sharing, maps: [.lease, .focus],
            key: key, empty: drop_trace_event())
        reasons = KernelNames.of("skb_drop_reason", without: "SKB_DROP_REASON_")
    }

    /// Puts what was told since the last look into a batch of packets that was taken before.
    ///
    /// Where some was lost, fewer packets are explained.
    func take(into batch: inout PacketBatch, offset: Int64) {
        let events = object.take().events
        if !events.isEmpty { batch.drops = events.map { DropTrace($0, reasons: reasons, offset: offset) } }
    }
}

extension DropTrace {
    init(_ event: drop_trace_event, reasons: [UInt32: String], offset: Int64) {
        let hasReason = Int32(event.flags) & DROP_TRACE_REASON != 0
        self.init(
            time: UInt64(clamping: Int64(clamping: event.time) + offset),
            fiveTuple: FiveTuple(
                source: IPAddress(high: event.src_high, low: event.src_low), sourcePort: event.src_port,
                destination: IPAddress(high: event.dst_high, low: event.dst_low), destinationPort: event.dst_port),
            seq: event.seq, ack: event.ack, flags: TCPFlags(rawValue: event.tcp_flags),
            reason: hasReason ? reasons[event.reason] ?? "\(event.reason)" : nil)
    }
}
