// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Packets

/// The reader of kernel events about the resets of this network namespace's TCP stack (optional object
/// `bpf/reset_trace.bpf.c`).
///
/// Not for two threads at once.
final class ResetTraceReader {
    private let object: TraceObject<reset_trace_event>
    private let reasons: [UInt32: String]

    /// True where the kernel gives reasons (since 6.10): then it tells of every reset that its TCP stack sends.
    var hasReasons: Bool { !reasons.isEmpty }

    /// Loads and attaches it in the calling thread's network namespace.
    ///
    /// - Parameter sharing: whose lease it obeys.
    /// - Throws: `unavailable`, most often because the kernel has no BTF or no such tracepoint.
    init(sharing: BPFObject) throws(CaptureError) {
        rstwho_quiet_libbpf()
        object = try TraceObject(
            "the trace of this machine's own resets", object: rstwho_open_reset_trace(), program: "rstwho_reset",
            ring: ("traces", "traces_lost", RESET_TRACE_RING_BYTES), sharing: sharing, maps: [.lease],
            empty: reset_trace_event())
        reasons = KernelNames.of("sk_rst_reason", without: "SK_RST_REASON_")
    }

    /// Puts what was told since the last look into a batch of packets that was taken before.
    func take(into batch: inout PacketBatch, offset: Int64) {
        let (events, isAll) = object.take()
        if !events.isEmpty { batch.traces = events.map { ResetTrace($0, reasons: reasons, offset: offset) } }
        if !isAll { batch.hasAllTraces = false }
    }
}

extension ResetTrace {
    init(_ event: reset_trace_event, reasons: [UInt32: String], offset: Int64) {
        let flags = Int32(bitPattern: event.flags)
        let name = withUnsafeBytes(of: event.command) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        self.init(
            time: UInt64(clamping: Int64(clamping: event.time) + offset),
            fiveTuple: FiveTuple(
                source: IPAddress(high: event.src_high, low: event.src_low), sourcePort: event.src_port,
                destination: IPAddress(high: event.dst_high, low: event.dst_low), destinationPort: event.dst_port),
            seq: event.seq, ack: flags & RESET_TRACE_ACK != 0 ? event.ack : nil,
            isActive: flags & RESET_TRACE_ACTIVE != 0, hasSocket: flags & RESET_TRACE_SOCKET != 0,
            process: event.process == 0 ? nil : Process(id: event.process, name: name),
            reason: flags & RESET_TRACE_REASON != 0 ? reasons[event.reason] ?? "\(event.reason)" : nil)
    }
}
