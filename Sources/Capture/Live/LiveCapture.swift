// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
package import Packets
internal import Synchronization

/// Packets as they pass this machine's interfaces.
///
/// `open` loads and attaches the kernel part, `run` drains it on a thread of its own until `stop`. Everything is
/// detached when `run` has returned, or when a capture that never ran is released. All but `run` may be called from any
/// thread.
package final class LiveCapture: @unchecked Sendable {
    // Sendable by hand: `state` is touched by `open` before the capture is shared, and by `run` alone, which `hasRun`
    // lets one thread enter; all else is immutable or guarded by a mutex.

    /// The hook for arriving packets.
    ///
    /// Leaving packets are always looked at by TC.
    package enum Hook: String, CaseIterable, Sendable {
        /// TC ingress: attaching disturbs nothing.
        case tc
        /// Native XDP: for line rate, where the driver bears it (`doctor` tells).
        case xdp
        /// Generic XDP: works with every driver, slower than TC.
        case xdpGeneric = "xdp-generic"
    }

    package struct Options: Sendable {
        /// Names of interfaces, and patterns such as `eth*`.
        package var interfaces: [String]
        package var hook = Hook.tc
        /// True for a mirror port: promiscuous, and nothing is looked at on its way out.
        package var isTap = false
        /// Bytes of one CPU's ring, a power of two of at least 64 KiB.
        ///
        /// `nil`: 4 MiB, less on machines with many CPUs.
        package var ringBytes: Int?
        /// The options of shedding under load.
        package var shedding = SheddingController.Options()
        /// The secret of the flow hash by which flows are shed and focused.
        package var hashKey = FlowHashKey.random()
        /// True where interfaces that are not there are waited for, and the capture goes on when none is left.
        package var awaitsInterfaces = false
        /// False takes clsact even where there is TCX.
        ///
        /// For tests.
        package var allowsTCX = true

        package init(interfaces: [String]) {
            self.interfaces = interfaces
        }
    }

    /// Something that people should know and that does not end the capture.
    package struct Notice: Sendable, Equatable {
        /// The interface that it is about.
        package var interface: String
        package var text: String

        var key: String { "\(interface): \(text)" }
    }

    /// Why `run` returned.
    package enum End: Sendable, Equatable {
        /// `stop` was called.
        case stopped
        /// No interface is left, and none is awaited.
        case interfacesGone
    }

    /// Interfaces that can be watched at once: what fits a record's slot.
    package static let maximumInterfaces = Int(PACKET_SLOT_COUNT)

    package let options: Options
    /// The notices about interfaces from before `run` began.
    let firstNotices: [Notice]
    /// Whether the kernel tells of the resets that this machine itself sends.
    package let resetTracing: ResetTracing
    /// True where the kernel tells of packets of focused flows that it drops.
    package let tellsDrops: Bool
    private let stopSignal: StopSignal
    let interfaceWatch = InterfaceWatch()
    private let wanted: Mutex<Wanted>
    private let known = Mutex<[AttachmentInfo]>([])
    private let published = Mutex(Ledger())
    private let hasRun = Atomic<Bool>(false)
    private let hasGivenUpPrivileges = Atomic<Bool>(false)
    var state: State

    /// Names and patterns.
    private struct Wanted {
        var interfaces: [String]
        var hasChanged = false
    }

    /// The state of `run`.
    struct State {
        /// By the interface's number in records.
        var slots: [Slot] = []
        /// True until the next batch tells of what was attached or detached.
        var hasNewAttachments = false
        /// The notices already given; none is repeated while it holds.
        var told: Set<String> = []
        /// The time of the next interface check without a notification, in ns of the BPF programs' clock.
        var nextLook: UInt64 = 0
        /// The time of the next check that our programs are in place, in ns of the same clock.
        var nextCheck: UInt64 = 0
        /// The counts of interfaces whose slot was reused, by direction.
        var retired: [PacketWay: Ledger.Count] = [:]
        /// The object whose maps and lease all use.
        var object: BPFObject?
        var lease: Lease
        var rings: RingBox
        var focus: FocusMap
        var shedder: Shedder
        var control: Int32
        var ringBytes: Int
        /// The most values that the kernel writes for one key of a per-CPU map.
        let processorBound: Int
        /// `nil` where the kernel does not tell of its own resets.
        var traces: ResetTraceReader?
        /// `nil` where it does not tell of packets that it drops.
        var drops: DropTraceReader?
        /// The time for which no lease held, in ns.
        var blindTime: UInt64 = 0
        /// For the next batch.
        var gap: Range<UInt64>?
        /// The offset that turns the BPF programs' clock into ns since 1970, as `run` has it.
        var offset: Int64 = 0
    }

    /// Holds what cannot be copied.
    final class RingBox {
        var ring: EventRing

        init(_ ring: consuming EventRing) {
            self.ring = ring
        }
    }

    /// Selects the interfaces, loads the kernel part, attaches it and starts its lease.
    ///
    /// - Throws: `notFound` for an interface, `noPermission`, or `unavailable` with what stands in the way. Nothing
    ///   stays attached then.
    package init(_ options: Options) throws(CaptureError) {
        let missing = Privilege.current().missing
        guard missing.isEmpty else {
            throw CaptureError(
                .noPermission, subject: options.interfaces.joined(separator: " "),
                problem: "live capture is not allowed: this process lacks \(missing.joined(separator: ", "))",
                advice: Privilege.advice, errno: EPERM)
        }
        let selection = try InterfaceSelection(
            options.interfaces, from: InterfaceInfo.all(), awaitsMissing: options.awaitsInterfaces)
        guard !selection.interfaces.isEmpty || options.awaitsInterfaces else {
            throw CaptureError(
                .notFound, subject: "no interface", problem: "none was named", advice: "Name one, for example eth0")
        }
        // What a killed run left works no more; that it stays is no reason not to start.
        _ = try? Self.removeLeftovers()
        self.options = options
        wanted = Mutex(Wanted(interfaces: options.interfaces))
        stopSignal = try StopSignal()
        state = try Self.open(selection.interfaces, options)
        firstNotices = Self.notices(of: selection)
        state.told.formUnion(firstNotices.map(\.key))
        resetTracing = options.isTap ? .unavailable("a mirror port has none") : Self.openTraces(&state)
        tellsDrops = !options.isTap && Self.openDrops(&state, options.hashKey)
        try state.lease.renew()
        publishAttachments()
        publishLedger()
    }

    deinit {
        release()
    }

    private static func open(_ interfaces: [InterfaceInfo], _ options: Options) throws(CaptureError) -> State {
        let processors = try ProcessorSet.current()
        let ringBytes = try ringBytes(options.ringBytes, cpus: processors.online.count)
        let ringCount = processors.ringCount
        // Interfaces come and go; its maps stay.
        let object = try BPFObject(
            settings: BPFObject.Settings(slot: 0, ringBytes: ringBytes, hashKey: options.hashKey),
            programs: [.renewLease], rings: processors)
        let shedder = try Shedder(options.shedding, map: object.descriptor(of: .shedding))
        let rings = RingBox(try EventRing(count: ringCount, bytes: ringBytes))
        try rings.ring.map(rings: object.descriptor(of: .rings), positions: object.descriptor(of: .ringPositions))
        let control = rstwho_control_socket()
        guard control >= 0 else {
            throw CaptureError(
                .unavailable, subject: "a socket", problem: "cannot be had: \(SystemError.text(-control))",
                errno: -control)
        }
        do throws(CaptureError) {
            var state = State(
                object: object, lease: Lease(program: object.descriptor(of: .renewLease)), rings: rings,
                focus: try FocusMap(map: object.descriptor(of: .focus), key: options.hashKey), shedder: shedder,
                control: control, ringBytes: ringBytes, processorBound: processors.bound)
            for interface in interfaces { try attach(interface, options, &state) }
            return state
        } catch {
            close(control)
            throw error
        }
    }

    /// Closes what `open` opened.
    ///
    /// Idempotent.
    func release() {
        state.slots = []
        if state.control >= 0 { close(state.control) }
        state.control = -1
        state.object = nil
        state.traces = nil
        state.drops = nil
    }

    /// Removes the clsact filters that killed runs left on any interface, where there is no TCX (before Linux 6.6).
    ///
    /// The filters of a run that is alive stay.
    ///
    /// - Returns: how many were removed.
    package static func removeLeftovers() throws(CaptureError) -> Int {
        // It asks for what is mostly not there.
        rstwho_quiet_libbpf()
        return try InterfaceInfo.all().reduce(0) { $0 + TCFilter.removeLeftovers(index: $1.index) }
    }

    /// The maximum delay (ns) of a bulk packet behind its time: less than a kernel tick (`bulk_time` in bpf/rings.h).
    package static var clockStep: UInt64 { CaptureClock.tick() }

    /// The current or last attachment of each interface, by slot.
    package var attachments: [AttachmentInfo] { known.withLock { $0 } }

    func publishAttachments() {
        let infos = state.slots.map(\.info)
        known.withLock { $0 = infos }
    }

    /// Watches other interfaces from the next look on, at most half a second from now.
    ///
    /// Those that stay are not disturbed.
    package func watch(_ interfaces: [String]) {
        wanted.withLock { $0 = Wanted(interfaces: interfaces, hasChanged: true) }
    }

    /// The capabilities that this capture still needs.
    package var privilegeNeeds: PrivilegeNeeds {
        PrivilegeNeeds(
            interfaces: wanted.withLock { $0.interfaces }, attachments: attachments, isTap: options.isTap)
    }

    /// Says so of interfaces that cannot be watched any more since this process has given up what loading takes.
    package func notePrivilegesGivenUp() {
        hasGivenUpPrivileges.store(true, ordering: .relaxed)
    }

    /// True once interfaces that are new cannot be watched.
    var isClosed: Bool { hasGivenUpPrivileges.load(ordering: .relaxed) }

    /// Names and patterns, and whether they have changed since the last call.
    func takeWanted() -> (interfaces: [String], isNew: Bool) {
        wanted.withLock { wanted in
            defer { wanted.hasChanged = false }
            return (wanted.interfaces, wanted.hasChanged)
        }
    }

    /// Ends the capture: `run` returns after the batch it is at.
    package func stop() {
        stopSignal.stop()
    }

    /// The ledger as of a moment ago; exact once `run` has returned.
    package var ledger: Ledger { published.withLock { $0 } }

    func waitForStop(nanoseconds: Int) -> Bool { stopSignal.wait(nanoseconds: nanoseconds) }

    /// True for the first caller only.
    func enter() -> Bool {
        hasRun.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    }

    func publishLedger(backlog: Int = 0) {
        let ledger = readLedger(backlog: backlog)
        published.withLock { $0 = ledger }
    }

    /// Returns the ring size if none is configured: 256 MiB for all rings, between 512 KiB and 4 MiB each.
    static func standardRingBytes(cpus: Int) -> Int {
        var bytes = 4 << 20
        while bytes > 512 << 10, bytes * cpus > 256 << 20 { bytes /= 2 }
        return bytes
    }

    private static func ringBytes(_ wanted: Int?, cpus: Int) throws(CaptureError) -> Int {
        guard let wanted else { return standardRingBytes(cpus: cpus) }
        guard wanted >= 65_536, wanted <= 1 << 30, wanted & (wanted - 1) == 0 else {
            throw CaptureError(
                .unavailable, subject: "the rings", problem: "\(wanted) bytes is no size for them",
                advice: "Ask for a power of two from 65536 to 1073741824")
        }
        return wanted
    }
}
