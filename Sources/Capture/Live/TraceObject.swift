// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
internal import Packets

/// An optional object of the kernel part: one program on a tracepoint, loaded, attached, and its ring of events.
///
/// Detached when it is released. Like the rest of the kernel part it works only while the lease is renewed. Not for two
/// threads at once.
final class TraceObject<Event> {
    private let object: OpaquePointer
    private let link: OpaquePointer
    private let traces: OpaquePointer
    private let lostMap: Int32
    private let events: UnsafeMutablePointer<Event>
    /// Events that are taken in one look at most: as many as the ring holds, so that a flood cannot hold up packets.
    private let capacity: Int
    private var lost: UInt64 = 0

    /// Loads and attaches it in the calling thread's network namespace.
    ///
    /// - `subject`: what it is, for errors.
    /// - `object`: the opened object, which is closed with this one; `nil` where it cannot be read.
    /// - `program`: the program's name.
    /// - `ring`: the names of the map with the events, of that with the number of those that were lost, and the bytes
    ///   of the first.
    /// - `maps`: those that it shares.
    /// - `key`: the key that it hashes flows with; `nil` where it hashes none.
    /// - `empty`: an event, for making room.
    ///
    /// Throws `unavailable`, most often because the kernel has no BTF or no such tracepoint.
    init(
        _ subject: String, object: OpaquePointer?, program: String, ring: (events: String, lost: String, bytes: Int32),
        sharing: BPFObject, maps: [KernelMap], key: FlowHashKey? = nil, empty: Event
    ) throws(CaptureError) {
        func failure(_ what: String, _ number: Int32) -> CaptureError {
            CaptureError(
                .unavailable, subject: subject,
                problem: number == 0 ? what : "\(what): \(SystemError.text(number))", errno: number)
        }
        guard let object else { throw failure("libbpf cannot read it", errno) }
        var isOpen = false
        defer { if !isOpen { bpf_object__close(object) } }
        guard let inode = Self.namespaceInode() else { throw failure("this network namespace has no number", 0) }
        var settings = trace_settings()
        settings.namespace_inode = inode
        if let key { settings.hash_key = flow_hash_key(ends: key.ends, flow: key.flow) }
        var failed = bpf_map__set_initial_value(
            bpf_object__find_map_by_name(object, ".rodata"), &settings, MemoryLayout<trace_settings>.size)
        for map in maps where failed == 0 {
            failed = bpf_map__reuse_fd(
                bpf_object__find_map_by_name(object, map.rawValue), sharing.descriptor(of: map))
        }
        if failed == 0 { failed = bpf_object__load(object) }
        guard failed == 0 else { throw failure("the kernel does not take it", -failed) }
        guard let found = bpf_object__find_program_by_name(object, program), let link = bpf_program__attach_trace(found)
        else { throw failure("it cannot be attached to its tracepoint", errno) }
        guard
            let traces = rstwho_traces_open(
                bpf_object__find_map_fd_by_name(object, ring.events), UInt32(MemoryLayout<Event>.stride))
        else {
            let failed = errno
            bpf_link__destroy(link)
            throw failure("its ring cannot be mapped", failed)
        }
        isOpen = true
        self.object = object
        self.link = link
        self.traces = traces
        lostMap = bpf_object__find_map_fd_by_name(object, ring.lost)
        capacity = Int(ring.bytes) / MemoryLayout<Event>.stride
        events = .allocate(capacity: capacity)
        events.initialize(repeating: empty, count: capacity)
    }

    deinit {
        rstwho_traces_close(traces)
        bpf_link__destroy(link)
        bpf_object__close(object)
        events.deallocate()
    }

    /// The number of the calling thread's network namespace: the inode of its file (namespaces(7)).
    private static func namespaceInode() -> UInt32? {
        var file = stat()
        guard stat("/proc/thread-self/ns/net", &file) == 0 else { return nil }
        return UInt32(truncatingIfNeeded: file.st_ino)
    }

    /// Returns the events since the last call, valid until the next one, and whether they are complete.
    func take() -> (events: UnsafeBufferPointer<Event>, isAll: Bool) {
        let count = rstwho_traces_next(traces, events, UInt32(capacity))
        let lostNow = readLost()
        defer { lost = lostNow }
        return (
            UnsafeBufferPointer(start: events, count: max(0, Int(count))),
            lostNow == lost && count >= 0 && count < capacity
        )
    }

    private func readLost() -> UInt64 {
        var key: UInt32 = 0
        var value: UInt64 = 0
        return bpf_map_lookup_elem(lostMap, &key, &value) == 0 ? value : .max
    }
}

/// The running kernel's names for the members of one of its enumerations, whose numbers differ between versions.
enum KernelNames {
    /// - `prefix`: what is taken off the names.
    ///
    /// Returns by number; empty where the kernel has no such enumeration, or no BTF.
    static func of(_ enumeration: String, without prefix: String) -> [UInt32: String] {
        var names: [UInt32: String] = [:]
        withUnsafeMutablePointer(to: &names) { pointer in
            _ = rstwho_kernel_names(enumeration, pointer) { context, value, name in
                context?.assumingMemoryBound(to: [UInt32: String].self).pointee[value] = String(cString: name)
            }
        }
        return names.mapValues { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : $0 }
    }
}
