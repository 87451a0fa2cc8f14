// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// The mechanism that attaches a program to an interface.
package enum AttachMechanism: String, CaseIterable, Sendable {
    /// A link at the TC hook (Linux 6.6 and later); it vanishes with the process.
    case tcx
    /// A filter on a clsact qdisc; it outlives a killed process, but not its lease.
    case clsact
    /// XDP in the driver; a link that vanishes with the process.
    case xdp
    /// XDP behind the driver; a link that vanishes with the process.
    case xdpGeneric = "xdp_generic"
}

/// The attachment of one interface: hook and mechanism.
package struct AttachmentInfo: Sendable, Equatable {
    package var interface: String
    package var index: Int32
    /// The bond, team or bridge that it belongs to.
    package var master: Int32?
    /// The interface's number in records.
    package var slot: UInt8
    package var ingress: AttachMechanism
    /// `nil` for a tap, which sends nothing.
    package var egress: AttachMechanism?
    /// Why it is attached in this way, for people.
    package var reason: String
    /// False once the interface has gone, or while it cannot be watched.
    package var isAttached = true
    /// True while the interface is there, is wanted and cannot be watched.
    package var isBlind = false

    /// For each interface the first that shows the same links: the members of one bond or bridge, and that itself.
    package static func groups(_ attachments: [AttachmentInfo]) -> [UInt8] {
        attachments.map { one in
            let first = attachments.first { ($0.master ?? $0.index) == (one.master ?? one.index) }
            return (first ?? one).slot
        }
    }
}

/// One interface's hooks.
///
/// Detached when this is released.
final class Attachment {
    /// The attachment, with the interface's name at that time.
    let info: AttachmentInfo

    private let object: BPFObject
    private var links: [Int32] = []
    private var filters: [TCFilter] = []
    /// The socket that keeps a tap's interface promiscuous.
    ///
    /// Negative where there is none.
    private var promiscuous: Int32 = -1

    /// Attaches a loaded object.
    ///
    /// - `hook`: where ingress is looked at; egress is always TC.
    /// - `allowsTCX`: false takes clsact even where there is TCX.
    init(
        object: BPFObject, interface: InterfaceInfo, slot: UInt8, hook: LiveCapture.Hook, isTap: Bool, allowsTCX: Bool
    ) throws(CaptureError) {
        var builder = Builder(object: object, interface: interface, allowsTCX: allowsTCX)
        do {
            let ingress = try builder.attachIngress(hook)
            let egress = isTap ? nil : try builder.attachTC(.egress)
            if isTap { try builder.makePromiscuous() }
            info = AttachmentInfo(
                interface: interface.name, index: interface.index, master: interface.master, slot: slot,
                ingress: ingress, egress: egress,
                reason: Self.reason(ingress, egress))
        } catch {
            builder.undo()
            throw error
        }
        self.object = object
        links = builder.links
        filters = builder.filters
        promiscuous = builder.promiscuous
    }

    deinit {
        if promiscuous >= 0 { close(promiscuous) }
        for link in links { close(link) }
        // The first made the qdisc, if anyone did: it goes last.
        for filter in filters.reversed() { filter.detach() }
    }

    /// True while the kernel still has our programs on the interface.
    ///
    /// Others can take them off: `bpftool link detach`, `tc qdisc del`.
    var isInPlace: Bool {
        links.allSatisfy { link in
            var interface: UInt32 = 0
            // What the kernel does not tell is no reason to attach anew.
            return rstwho_link_interface(link, &interface) != 0 || interface != 0
        } && filters.allSatisfy(\.isInPlace)
    }

    private static func reason(_ ingress: AttachMechanism, _ egress: AttachMechanism?) -> String {
        switch (ingress, egress) {
        case (.tcx, _): "TC, as attaching it disturbs nothing"
        case (.clsact, _): "TC through clsact, as this kernel has no TCX; attaching it disturbs nothing"
        case (.xdp, _): "native XDP, as asked for"
        case (.xdpGeneric, _): "generic XDP, as asked for; it is slower than TC"
        }
    }

    /// The attachments made so far.
    private struct Builder {
        let object: BPFObject
        let interface: InterfaceInfo
        var allowsTCX: Bool
        var links: [Int32] = []
        var filters: [TCFilter] = []
        var promiscuous: Int32 = -1

        init(object: BPFObject, interface: InterfaceInfo, allowsTCX: Bool) {
            self.object = object
            self.interface = interface
            self.allowsTCX = allowsTCX
        }

        mutating func attachIngress(_ hook: LiveCapture.Hook) throws(CaptureError) -> AttachMechanism {
            switch hook {
            case .tc:
                return try attachTC(.ingress)
            case .xdp:
                try attachXDP(flags: Self.driverMode)
                return .xdp
            case .xdpGeneric:
                try attachXDP(flags: Self.genericMode)
                return .xdpGeneric
            }
        }

        /// XDP_FLAGS_DRV_MODE and XDP_FLAGS_SKB_MODE of linux/if_link.h.
        private static let driverMode: UInt32 = 1 << 2
        private static let genericMode: UInt32 = 1 << 1

        /// BPF_F_BEFORE of linux/bpf.h without a program to be before: the head, as a program there that accepts or
        /// drops a packet hides it from those behind it (kernel/bpf/mprog.c).
        private static let atHead: UInt32 = 1 << 3

        mutating func attachTC(_ way: PacketWay) throws(CaptureError) -> AttachMechanism {
            let program = object.descriptor(of: way == .ingress ? .ingress : .egress)
            if allowsTCX {
                let type = way == .ingress ? RSTWHO_TCX_INGRESS : RSTWHO_TCX_EGRESS
                let link = rstwho_link_create(program, interface.index, type, Self.atHead)
                if link >= 0 {
                    links.append(link)
                    return .tcx
                }
                // EINVAL: a kernel before 6.6 does not know the type.
                guard link == -EINVAL || link == -EOPNOTSUPP else { throw failure("a TC program", -link) }
                allowsTCX = false
            }
            let filter = TCFilter(interface: interface, way: way)
            try filter.attach(program: program)
            filters.append(filter)
            return .clsact
        }

        private mutating func attachXDP(flags: UInt32) throws(CaptureError) {
            try refuseForeignXDP()
            // First as a program that takes packets in several buffers, then for drivers that have only one.
            var failed: Int32 = 0
            for program in [KernelProgram.xdpFrags, .xdp] {
                let link = rstwho_link_create(
                    object.descriptor(of: program), interface.index, Int32(BPF_XDP.rawValue), flags)
                if link >= 0 {
                    links.append(link)
                    return
                }
                failed = -link
            }
            try refuseForeignXDP()
            let mode = flags == Self.driverMode ? "native XDP" : "generic XDP"
            if failed == EPERM || failed == ENODEV { throw failure("an XDP program", failed) }
            throw CaptureError(
                .unavailable, subject: interface.name,
                problem: "its driver refuses \(mode): \(SystemError.text(failed))",
                advice:
                    "Watch it at the TC hook (the default); `rstwho doctor \(interface.name)` says what stands in the way",
                errno: failed)
        }

        /// Somebody else's program is never replaced.
        private func refuseForeignXDP() throws(CaptureError) {
            guard let program = try? AttachedPrograms.xdp(index: interface.index) else { return }
            throw CaptureError(
                .unavailable, subject: interface.name,
                problem: "another XDP program is attached: id \(program.id), name \(program.name)",
                advice: "Watch it at the TC hook (the default), which works beside it", errno: EBUSY)
        }

        private func failure(_ what: String, _ number: Int32) -> CaptureError {
            switch number {
            case EPERM:
                CaptureError(
                    .noPermission, subject: interface.name, problem: "\(what) may not be attached",
                    advice: Privilege.advice, errno: number)
            case ENODEV:
                CaptureError(.notFound, subject: interface.name, problem: "the interface has gone", errno: number)
            default:
                CaptureError(
                    .unavailable, subject: interface.name,
                    problem: "\(what) cannot be attached: \(SystemError.text(number))", errno: number)
            }
        }

        mutating func makePromiscuous() throws(CaptureError) {
            let socket = rstwho_promiscuous_socket(interface.index)
            guard socket < 0 else {
                promiscuous = socket
                return
            }
            throw CaptureError(
                socket == -EPERM ? .noPermission : .unavailable, subject: interface.name,
                problem: "it cannot be made promiscuous: \(SystemError.text(-socket))",
                advice: socket == -EPERM ? "A tap needs CAP_NET_RAW as well: run with sudo" : "", errno: -socket)
        }

        mutating func undo() {
            for link in links { close(link) }
            for filter in filters.reversed() { filter.detach() }
            links = []
            filters = []
        }
    }
}
