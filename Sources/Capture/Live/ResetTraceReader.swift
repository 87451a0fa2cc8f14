// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
internal import Packets

/// What the kernel tells of the resets that its own TCP stack sends in this network namespace: the optional object
/// (`bpf/reset_trace.bpf.c`), loaded, attached, and drained.
///
/// Detached when it is released. Like the rest of the kernel part it works only while the lease is renewed. Not for two
/// threads at once.
final class ResetTraceReader {
    /// Events that are taken in one look at most: as many as the ring holds, so that a flood cannot hold up packets.
    private static let capacity = Int(RESET_TRACE_RING_BYTES) / MemoryLayout<reset_trace_event>.stride
    private static let reasonPrefix = "SK_RST_REASON_"

    private let object: OpaquePointer
    private let link: OpaquePointer
    private let traces: OpaquePointer
    private let lostMap: Int32
    private let events: UnsafeMutablePointer<reset_trace_event>
    private let reasons: [UInt32: String]
    private var lost: UInt64 = 0

    /// True where the kernel gives reasons (since 6.10): then it tells of every reset that its TCP stack sends.
    var hasReasons: Bool { !reasons.isEmpty }

    /// Loads and attaches it in the calling thread's network namespace.
    ///
    /// - Parameter sharing: whose lease it obeys.
    /// - Throws: `unavailable`, most often because the kernel has no BTF or no such tracepoint.
    init(sharing: BPFObject) throws(CaptureError) {
        rstwho_quiet_libbpf()
        guard let inode = Self.namespaceInode() else { throw Self.failure("this network namespace has no number", 0) }
        guard let object = rstwho_open_reset_trace() else { throw Self.failure("libbpf cannot read it", errno) }
        var isOpen = false
        defer { if !isOpen { bpf_object__close(object) } }
        var settings = reset_trace_settings(namespace_inode: inode)
        var failed = bpf_map__set_initial_value(
            bpf_object__find_map_by_name(object, ".rodata"), &settings, MemoryLayout<reset_trace_settings>.size)
        if failed == 0 {
            failed = bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "lease"), sharing.descriptor(of: .lease))
        }
        if failed == 0 { failed = bpf_object__load(object) }
        guard failed == 0 else { throw Self.failure("the kernel does not take it", -failed) }
        guard let program = bpf_object__find_program_by_name(object, "rstwho_reset"),
            let link = bpf_program__attach_trace(program)
        else { throw Self.failure("it cannot be attached to tcp_send_reset", errno) }
        guard let traces = rstwho_traces_open(bpf_object__find_map_fd_by_name(object, "traces")) else {
            let failed = errno
            bpf_link__destroy(link)
            throw Self.failure("its ring cannot be mapped", failed)
        }
        isOpen = true
        self.object = object
        self.link = link
        self.traces = traces
        lostMap = bpf_object__find_map_fd_by_name(object, "traces_lost")
        events = .allocate(capacity: Self.capacity)
        events.initialize(repeating: reset_trace_event(), count: Self.capacity)
        reasons = Self.readReasons()
    }

    deinit {
        rstwho_traces_close(traces)
        bpf_link__destroy(link)
        bpf_object__close(object)
        events.deallocate()
    }

    private static func failure(_ what: String, _ number: Int32) -> CaptureError {
        CaptureError(
            .unavailable, subject: "the trace of this machine's own resets",
            problem: number == 0 ? what : "\(what): \(SystemError.text(number))", errno: number)
    }

    /// The number of the calling thread's network namespace: the inode of its file (namespaces(7)).
    private static func namespaceInode() -> UInt32? {
        var file = stat()
        guard stat("/proc/thread-self/ns/net", &file) == 0 else { return nil }
        return UInt32(truncatingIfNeeded: file.st_ino)
    }

    /// The kernel's names for its reasons, whose numbers differ between versions.
    private static func readReasons() -> [UInt32: String] {
        var names: [UInt32: String] = [:]
        withUnsafeMutablePointer(to: &names) { pointer in
            _ = rstwho_reset_reasons(pointer) { context, value, name in
                context?.assumingMemoryBound(to: [UInt32: String].self).pointee[value] = String(cString: name)
            }
        }
        return names.mapValues { $0.hasPrefix(reasonPrefix) ? String($0.dropFirst(reasonPrefix.count)) : $0 }
    }

    /// Puts what was told since the last look into a batch of packets that was taken before.
    func take(into batch: inout PacketBatch, offset: Int64) {
        let count = rstwho_traces_next(traces, events, UInt32(Self.capacity))
        if count > 0 {
            batch.traces = UnsafeBufferPointer(start: events, count: Int(count)).map {
                ResetTrace($0, reasons: reasons, offset: offset)
            }
        }
        let lostNow = readLost()
        if lostNow != lost || count < 0 || count == Self.capacity { batch.hasAllTraces = false }
        lost = lostNow
    }

    private func readLost() -> UInt64 {
        var key: UInt32 = 0
        var value: UInt64 = 0
        return bpf_map_lookup_elem(lostMap, &key, &value) == 0 ? value : .max
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
