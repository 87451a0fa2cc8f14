// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf

extension LiveCapture {
    /// The interval of interface checks without a notification, in ns; it also retries failures.
    private static let lookInterval: UInt64 = 10_000_000_000

    /// The interval of checks that nobody has taken our programs off an interface, in ns.
    private static let checkInterval: UInt64 = 2_000_000_000

    /// One interface's number in records and counters.
    ///
    /// It keeps its number and its counts when it goes and comes back.
    struct Slot {
        var info: AttachmentInfo
        /// `nil` while the interface is not there.
        var attachment: Attachment?
        /// Kept while the interface is away: it is attached again without another load.
        var object: BPFObject
        var isLinkless: Bool
        /// The counts of the slot's former interface.
        var before: [PacketWay: Ledger.Count] = [:]
    }

    /// Brings what is attached in line with what is wanted and what is there.
    ///
    /// - `now`: the kernel part's clock, ns.
    ///
    /// Returns false if no interface is left and none is awaited.
    func keepInterfaces(now: UInt64, _ notice: (Notice) -> Void) -> Bool {
        let wanted = takeWanted()
        let isLost = state.slots.contains { slot in
            slot.attachment != nil && !rstwho_has_interface(state.control, slot.info.index)
        }
        let isHeard = interfaceWatch.hasChanged()
        let isDetached = !isLost && findDetached(now: now, notice)
        if wanted.isNew || isHeard || isLost || isDetached || now >= state.nextLook {
            state.nextLook = now + Self.lookInterval
            if let available = try? InterfaceInfo.all(),
                let selection = try? InterfaceSelection(wanted.interfaces, from: available, awaitsMissing: true)
            {
                follow(selection, isNew: wanted.isNew, available).forEach(notice)
            }
        }
        return options.awaitsInterfaces || state.slots.contains { $0.attachment != nil || $0.info.isBlind }
    }

    /// Lets go of interfaces that somebody has taken our programs off: they are attached again at once.
    ///
    /// - Returns: whether there were any.
    private func findDetached(now: UInt64, _ notice: (Notice) -> Void) -> Bool {
        guard now >= state.nextCheck else { return false }
        state.nextCheck = now + Self.checkInterval
        var isAny = false
        for index in state.slots.indices where state.slots[index].attachment?.isInPlace == false {
            isAny = true
            state.slots[index].attachment = nil
            state.slots[index].info.isAttached = false
            state.slots[index].info.isBlind = true
            state.hasNewAttachments = true
            notice(Notice(interface: state.slots[index].info.interface, text: Self.detachedText))
        }
        return isAny
    }

    private static let detachedText =
        "another program has taken rstwho's programs off this interface; what passed in the last seconds was not seen"

    /// - `isNew`: true where other names and patterns are wanted than before.
    private func follow(_ selection: InterfaceSelection, isNew: Bool, _ available: [InterfaceInfo]) -> [Notice] {
        var notices: [Notice] = []
        // What would be said again at each look is said when it begins to hold.
        var lasting = Self.notices(of: selection, tellsMissing: isNew, isClosed: isClosed)
        for index in state.slots.indices {
            let info = state.slots[index].info
            let isSame = { (other: InterfaceInfo) in other.index == info.index && other.name == info.interface }
            guard state.slots[index].attachment != nil, !selection.interfaces.contains(where: isSame) else { continue }
            state.slots[index].attachment = nil
            state.slots[index].info.isAttached = false
            state.slots[index].info.isBlind = false
            state.hasNewAttachments = true
            let text =
                available.contains(where: isSame)
                ? "no longer watched" : Self.goneText
            notices.append(Notice(interface: info.interface, text: text))
        }
        // One that could not be attached again, and has gone since, is blind no more.
        for index in state.slots.indices where state.slots[index].info.isBlind {
            let info = state.slots[index].info
            guard !selection.interfaces.contains(where: { $0.index == info.index }) else { continue }
            state.slots[index].info.isBlind = false
            state.hasNewAttachments = true
        }
        for interface in selection.interfaces
        where !state.slots.contains(where: { $0.attachment != nil && $0.info.index == interface.index }) {
            do {
                let info = try Self.attach(interface, options, &state)
                state.hasNewAttachments = true
                notices.append(Notice(interface: interface.name, text: "watched from now on (\(info.reason))"))
            } catch {
                let advice = isClosed && error.code == .noPermission ? Self.closedAdvice : error.advice
                let text = [error.problem, advice].filter { !$0.isEmpty }.joined(separator: ". ")
                lasting.append(Notice(interface: interface.name, text: "not watched: \(text)"))
            }
        }
        if state.hasNewAttachments {
            publishAttachments()
            publishLedger()
        }
        notices += lasting.filter { !state.told.contains($0.key) }
        state.told = Set(lasting.map(\.key))
        return notices
    }

    private static let goneText = "the interface has gone; it is watched again if it comes back"

    private static let closedAdvice =
        "Privileges were given up once all was attached: restart the service, or set capture.privileges to keep"

    /// Returns the notices about left-out interfaces and, if wanted, missing ones.
    ///
    /// - `isClosed`: true where one that appears cannot be watched.
    static func notices(
        of selection: InterfaceSelection, tellsMissing: Bool = true, isClosed: Bool = false
    ) -> [Notice] {
        let missing = tellsMissing ? selection.missing : []
        return selection.leftOut.map { Notice(interface: "", text: $0) }
            + missing.map { name in
                let isPattern = InterfaceSelection.isPattern(name)
                let text =
                    isClosed
                    ? "\(isPattern ? "no interface matches yet" : "there is no such interface yet"). \(closedAdvice)"
                    : isPattern
                        ? "no interface matches yet; one that appears is watched"
                        : "there is no such interface yet; it is watched when it appears"
                return Notice(interface: name, text: text)
            }
    }

    /// Attaches an interface: to the slot of its name, a new one, or that of an interface that has gone.
    @discardableResult
    static func attach(
        _ interface: InterfaceInfo, _ options: Options, _ state: inout State
    ) throws(CaptureError) -> AttachmentInfo {
        let isLinkless = interface.framing == .ip
        let former = state.slots.firstIndex { $0.attachment == nil && $0.info.interface == interface.name }
        let isFull = state.slots.count >= maximumInterfaces
        guard let index = former ?? (isFull ? state.slots.firstIndex { $0.attachment == nil } : state.slots.count)
        else {
            throw CaptureError(
                .unavailable, subject: interface.name, problem: "\(maximumInterfaces) interfaces are watched already",
                advice: "Name those that matter")
        }
        let isNew = index == state.slots.count
        let object: BPFObject
        if !isNew, state.slots[index].isLinkless == isLinkless {
            object = state.slots[index].object
        } else {
            guard let shared = state.object else {
                throw CaptureError(.unavailable, subject: interface.name, problem: "the capture has ended")
            }
            var programs: Set<KernelProgram> = options.isTap ? [] : [.egress]
            programs.formUnion(options.hook == .tc ? [.ingress] : [.xdp, .xdpFrags])
            let settings = BPFObject.Settings(
                slot: UInt8(index), isLinkless: isLinkless, ringBytes: state.ringBytes, hashKey: options.hashKey)
            object = try BPFObject(settings: settings, programs: programs, sharing: shared)
        }
        let attachment = try Attachment(
            object: object, interface: interface, slot: UInt8(index), hook: options.hook, isTap: options.isTap,
            allowsTCX: options.allowsTCX)
        var slot = Slot(info: attachment.info, attachment: attachment, object: object, isLinkless: isLinkless)
        if isNew {
            state.slots.append(slot)
        } else {
            slot.before = former == nil ? retire(index, &state) : state.slots[index].before
            state.slots[index] = slot
        }
        return attachment.info
    }

    /// Sets the counts of a slot's former interface aside.
    ///
    /// Returns where the next one's begin.
    private static func retire(_ index: Int, _ state: inout State) -> [PacketWay: Ledger.Count] {
        let counters = counts(of: index, state)
        for way in PacketWay.allCases {
            var count = counters[way] ?? Ledger.Count()
            if let before = state.slots[index].before[way] { count -= before }
            state.retired[way, default: Ledger.Count()] += count
        }
        return counters
    }

    /// Returns the BPF programs' counts of a slot, for all interfaces that it had.
    static func counts(of slot: Int, _ state: borrowing State) -> [PacketWay: Ledger.Count] {
        var counts: [PacketWay: Ledger.Count] = [:]
        var values = [packet_counters](repeating: packet_counters(), count: state.processorBound)
        let map = state.object?.descriptor(of: .counters) ?? -1
        for way in PacketWay.allCases {
            var key = UInt32(slot) * UInt32(PacketWay.allCases.count) + way.rawValue
            guard bpf_map_lookup_elem(map, &key, &values) == 0 else { continue }
            // There is room for more CPUs than there are.
            counts[way] = values.lazy.filter { $0.seen != 0 || $0.missed != 0 || $0.idle != 0 }
                .reduce(into: Ledger.Count()) { $0 += Ledger.Count($1) }
        }
        return counts
    }
}
