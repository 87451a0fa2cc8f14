// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// Our filter on an interface's clsact qdisc, where there is no TCX.
///
/// It has a handle and a priority of its own, by which a killed run's filter is found and removed.
final class TCFilter {
    /// "rstw".
    static let handle: UInt32 = 0x7273_7477
    /// Behind whatever else is there: smaller comes first.
    static let priority: UInt32 = 0x7277

    private let interface: InterfaceInfo
    private var filter: rstwho_filter
    /// A socket that holds this filter's name in the network namespace as long as this process lives.
    private var holder: Int32 = -1
    private var isAttached = false
    private var madeQdisc = false
    /// The attached program's id.
    private var program: UInt32 = 0

    init(interface: InterfaceInfo, way: PacketWay) {
        self.interface = interface
        filter = Self.filter(interface.index, way)
    }

    private static func filter(_ index: Int32, _ way: PacketWay) -> rstwho_filter {
        rstwho_filter(interface: index, is_egress: way == .egress ? 1 : 0, handle: handle, priority: priority)
    }

    private static func name(_ index: Int32, _ way: PacketWay) -> String {
        "rstwho-clsact-\(index)-\(way.label)"
    }

    private var way: PacketWay { filter.is_egress == 0 ? .ingress : .egress }

    /// Attaches a program; the qdisc is made where there is none, and left alone where there is one.
    func attach(program: Int32) throws(CaptureError) {
        holder = rstwho_hold_name(Self.name(interface.index, way))
        guard holder != -EADDRINUSE else {
            throw CaptureError(
                .unavailable, subject: interface.name, problem: "another rstwho watches it",
                advice: "Ask that one, or stop it", errno: EBUSY)
        }
        let made = rstwho_clsact_create(interface.index)
        guard made == 0 || made == -EEXIST else { throw failure("clsact cannot be made", -made) }
        madeQdisc = made == 0
        Self.removeLeftover(interface.index, way)
        let failed = rstwho_filter_attach(&filter, program)
        guard failed == 0 else { throw failure("a clsact filter cannot be attached", -failed) }
        isAttached = true
        if rstwho_program_id(program, &self.program) != 0 { self.program = 0 }
    }

    /// True while the kernel still has this filter with our program.
    var isInPlace: Bool {
        guard isAttached, program != 0 else { return isAttached }
        var found: UInt32 = 0
        let failed = rstwho_filter_program(&filter, &found)
        // Without the filter or its qdisc the answer is one of these; any other failure tells nothing.
        return failed == 0 ? found == program : failed != -ENOENT && failed != -EINVAL
    }

    private func failure(_ what: String, _ number: Int32) -> CaptureError {
        CaptureError(
            number == EPERM ? .noPermission : number == ENODEV ? .notFound : .unavailable, subject: interface.name,
            problem: "\(what): \(SystemError.text(number))", advice: number == EPERM ? Privilege.advice : "",
            errno: number)
    }

    /// Takes the filter away.
    ///
    /// The qdisc stays where it was there before, or where others use it by now.
    func detach() {
        if isAttached { rstwho_filter_detach(&filter) }
        isAttached = false
        if madeQdisc, rstwho_clsact_filters(interface.index) == 0 { rstwho_clsact_destroy(interface.index) }
        madeQdisc = false
        if holder >= 0 { close(holder) }
        holder = -1
    }

    /// Removes a filter of ours that a killed run left; nobody else's.
    ///
    /// True if there was one.
    @discardableResult
    private static func removeLeftover(_ index: Int32, _ way: PacketWay) -> Bool {
        var leftover = filter(index, way)
        return isFiltered(index, way) && rstwho_filter_detach(&leftover) == 0
    }

    /// True where a filter of ours is attached, whether its run is alive or not.
    private static func isFiltered(_ index: Int32, _ way: PacketWay) -> Bool {
        var leftover = filter(index, way)
        var program: UInt32 = 0
        return rstwho_filter_program(&leftover, &program) == 0 && ProgramName.isOurs(id: program)
    }

    /// Removes our filters from an interface, whether their run is alive or not.
    ///
    /// Returns how many.
    static func removeAll(index: Int32) -> Int {
        PacketWay.allCases.count { removeLeftover(index, $0) }
    }

    /// Removes the filters that killed runs left on an interface, but not those of a run that is alive.
    ///
    /// Returns how many.
    static func removeLeftovers(index: Int32) -> Int {
        PacketWay.allCases.count { way in
            // Held only where there is something to remove: another that starts now would take us for a living run.
            guard isFiltered(index, way) else { return false }
            let holder = rstwho_hold_name(name(index, way))
            guard holder >= 0 else { return false }
            defer { close(holder) }
            return removeLeftover(index, way)
        }
    }
}
