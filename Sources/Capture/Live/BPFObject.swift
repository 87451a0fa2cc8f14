// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
package import Packets

/// The programs of the kernel part (`bpf/rstwho.bpf.c`).
package enum KernelProgram: String, CaseIterable, Sendable {
    case ingress = "rstwho_ingress"
    case egress = "rstwho_egress"
    case xdpFrags = "rstwho_xdp_frags"
    case xdp = "rstwho_xdp"
    case renewLease = "rstwho_renew_lease"

    /// The common prefix of all program names, which tells leftovers of rstwho from foreign programs.
    package static let prefix = "rstwho_"
}

/// The maps of the kernel part (`bpf/counters.h`, `focus.h`, `lease.h`, `rings.h`, `shedding.h`).
package enum KernelMap: String, CaseIterable, Sendable {
    case counters
    case focus
    case lease
    case ringPositions = "ring_positions"
    case rings
    case scratch
    case shedding
}

/// The kernel part, loaded once for an interface.
///
/// Loaded programs and maps live as long as this object, or longer where something else holds them (a clsact filter).
package final class BPFObject {
    /// The settings fixed when an object is loaded (`struct packet_settings`).
    package struct Settings: Sendable {
        /// The interface's number in records and counters, below 32.
        package var slot: UInt8
        /// True where frames begin with the IP header (tun, wg, ppp).
        package var isLinkless: Bool
        /// Bytes of one CPU's ring.
        package var ringBytes: Int
        /// The secret of the flow hash.
        package var hashKey: FlowHashKey

        package init(slot: UInt8, isLinkless: Bool = false, ringBytes: Int, hashKey: FlowHashKey) {
            self.slot = slot
            self.isLinkless = isLinkless
            self.ringBytes = ringBytes
            self.hashKey = hashKey
        }
    }

    private let object: OpaquePointer

    /// Opens, configures and loads the embedded object.
    ///
    /// - `programs`: which programs to load; the verifier sees only these.
    /// - `rings`: the CPUs that get a ring.
    package convenience init(
        settings: Settings, programs: Set<KernelProgram>, rings: ProcessorSet
    ) throws(CaptureError) {
        try self.init(
            settings: settings, programs: programs, ringCount: rings.ringCount, processorBound: rings.bound)
    }

    /// Opens, configures and loads the embedded object with another's maps.
    package convenience init(
        settings: Settings, programs: Set<KernelProgram>, sharing: BPFObject
    ) throws(CaptureError) {
        try self.init(settings: settings, programs: programs, ringCount: 0, processorBound: 0, sharing: sharing)
    }

    private init(
        settings: Settings, programs: Set<KernelProgram>, ringCount: Int, processorBound: Int,
        sharing: BPFObject? = nil
    ) throws(CaptureError) {
        rstwho_quiet_libbpf()
        guard let object = rstwho_open_object(rstwho_object_bytes(), rstwho_object_size()) else {
            throw CaptureError(
                .unavailable, subject: "the kernel part",
                problem: "libbpf cannot read the embedded object: \(SystemError.text(errno))",
                advice: "This binary is damaged or was built with a broken compiler; build it again", errno: errno)
        }
        self.object = object
        try configure(
            settings, programs: programs, ringCount: ringCount, processorBound: processorBound, sharing: sharing)
        try load(programs, ringBytes: settings.ringBytes, ringCount: ringCount)
    }

    deinit {
        bpf_object__close(object)
    }

    private func configure(
        _ settings: Settings, programs: Set<KernelProgram>, ringCount: Int, processorBound: Int,
        sharing: BPFObject?
    ) throws(CaptureError) {
        for program in KernelProgram.allCases {
            bpf_program__set_autoload(find(program), programs.contains(program))
        }
        var constants = packet_settings()
        let ringSlots = settings.ringBytes / EventRing.slotBytes
        constants.ring_slots = UInt32(ringSlots)
        constants.ring_limit_bulk = UInt32(ringSlots / 4 * 3)
        constants.ring_limit_handshake = UInt32(ringSlots / 8 * 7)
        constants.is_preemptible = KernelVersion.isRealTime ? 1 : 0
        constants.slot = settings.slot
        constants.hash_key = flow_hash_key(ends: settings.hashKey.ends, flow: settings.hashKey.flow)
        constants.link = UInt8((settings.isLinkless ? PACKET_LINK_IP : PACKET_LINK_ETHERNET).rawValue)
        var failed = bpf_map__set_initial_value(
            bpf_object__find_map_by_name(object, ".rodata"), &constants, MemoryLayout<packet_settings>.size)
        if failed == 0, let sharing {
            for map in KernelMap.allCases where failed == 0 {
                failed = bpf_map__reuse_fd(find(map), sharing.descriptor(of: map))
            }
        } else if failed == 0 {
            guard let slots = UInt32(exactly: ringSlots * ringCount) else {
                throw Self.ringsTooLarge(bytes: settings.ringBytes, count: ringCount)
            }
            failed = bpf_map__set_max_entries(find(.rings), slots)
            if failed == 0 {
                failed = bpf_map__set_max_entries(find(.ringPositions), UInt32(clamping: processorBound))
            }
        }
        guard failed == 0 else {
            throw CaptureError(
                .unavailable, subject: "the kernel part",
                problem: "it cannot be configured: \(SystemError.text(-failed))",
                advice: "This binary is damaged or was built with a broken compiler; build it again", errno: -failed)
        }
    }

    private func load(_ programs: Set<KernelProgram>, ringBytes: Int, ringCount: Int) throws(CaptureError) {
        let logBytes = 1 << 18
        let logs = UnsafeMutableBufferPointer<CChar>.allocate(capacity: logBytes * programs.count)
        logs.initialize(repeating: 0)
        defer { logs.deallocate() }
        let order = programs.sorted { $0.rawValue < $1.rawValue }
        for (index, program) in order.enumerated() {
            bpf_program__set_log_buf(find(program), logs.baseAddress?.advanced(by: index * logBytes), logBytes)
        }
        let failed = bpf_object__load(object)
        let texts = order.indices.map { index in
            let log = logs[(index * logBytes)..<((index + 1) * logBytes)]
            return String(decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        for program in order {
            // libbpf keeps the pointer; the buffer goes.
            bpf_program__set_log_buf(find(program), nil, 0)
        }
        if failed == -ENOMEM, texts.allSatisfy(\.isEmpty) {
            throw Self.ringsTooLarge(bytes: ringBytes, count: ringCount)
        }
        if failed != 0 {
            throw Self.loadError(
                errno: -failed, verifierLog: texts.first { !$0.isEmpty } ?? "", kernel: KernelVersion.current())
        }
    }

    private static func ringsTooLarge(bytes: Int, count: Int) -> CaptureError {
        CaptureError(
            .unavailable, subject: "the rings",
            problem: "\(count) of \(bytes) bytes each cannot be had: \(SystemError.text(ENOMEM))",
            advice: "Ask for smaller rings", errno: ENOMEM)
    }

    /// The sentence for a failed load: privilege, an old kernel, or what the verifier said last.
    package static func loadError(errno: Int32, verifierLog: String, kernel: KernelVersion) -> CaptureError {
        if errno == EPERM {
            return CaptureError(
                .noPermission, subject: "the kernel part", problem: "the kernel does not let this process load it",
                advice: Privilege.advice, errno: errno)
        }
        if kernel < .floor {
            return CaptureError(
                .unavailable, subject: "the kernel part",
                problem: "Linux \(kernel) does not take it: \(SystemError.text(errno))",
                advice: "Live capture needs Linux \(KernelVersion.floor) or later; capture files can be read on any",
                errno: errno)
        }
        let lines = verifierLog.split(separator: "\n").suffix(6).joined(separator: "\n    ")
        let problem =
            lines.isEmpty
            ? "the kernel refused it: \(SystemError.text(errno))"
            : "the kernel's verifier refused it: \(SystemError.text(errno)). It said last:\n    \(lines)\n"
        return CaptureError(
            .unavailable, subject: "the kernel part", problem: problem,
            advice: "Please report this with the kernel's version (\(kernel))", errno: errno)
    }

    private func find(_ program: KernelProgram) -> OpaquePointer? {
        bpf_object__find_program_by_name(object, program.rawValue)
    }

    private func find(_ map: KernelMap) -> OpaquePointer? {
        bpf_object__find_map_by_name(object, map.rawValue)
    }

    /// A loaded program's descriptor, owned by this object.
    ///
    /// Negative if the program was not loaded.
    package func descriptor(of program: KernelProgram) -> Int32 {
        bpf_program__fd(find(program))
    }

    /// A map's descriptor, owned by this object.
    package func descriptor(of map: KernelMap) -> Int32 {
        bpf_map__fd(find(map))
    }
}
