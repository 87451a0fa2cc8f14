// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// Takes rstwho's programs off interfaces without the process that attached them.
///
/// For an agent that hangs, or that nobody can find. Programs of others stay.
package enum Detachment {
    /// One interface and the programs that were taken off it.
    package struct Result: Sendable, Equatable {
        package var interface: String
        package var programs: Int
    }

    /// Detaches from the named interfaces of this network namespace; from all of them where none is named.
    ///
    /// - Returns: the interfaces that had programs of ours.
    /// - Throws: `notFound` for a name, `noPermission`, `ioError`.
    package static func detach(_ names: [String]) throws(CaptureError) -> [Result] {
        // To look at programs and links by their numbers takes CAP_SYS_ADMIN.
        let privilege = Privilege.current()
        guard privilege.has(.sysAdmin), privilege.has(.netAdmin) else {
            throw CaptureError(
                .noPermission, subject: "detach",
                problem: "finding programs takes CAP_SYS_ADMIN, and removing them CAP_NET_ADMIN",
                advice: "Run with sudo", errno: EPERM)
        }
        rstwho_quiet_libbpf()
        let available = try InterfaceInfo.all()
        let interfaces =
            names.isEmpty ? available : try InterfaceSelection(names, from: available).interfaces
        var results: [Result] = []
        for interface in interfaces {
            let count = try detach(interface.index)
            if count > 0 { results.append(Result(interface: interface.name, programs: count)) }
        }
        return results
    }

    private static func detach(_ index: Int32) throws(CaptureError) -> Int {
        // A kernel without TCX has no programs there.
        var programs = PacketWay.allCases.flatMap { way in
            (try? AttachedPrograms.tcx(index: index, way: way)) ?? []
        }
        if let program = try? AttachedPrograms.xdp(index: index) { programs.append(program) }
        let ours = programs.filter(\.isOurs).map(\.id)
        let filters = TCFilter.removeAll(index: index)
        guard !ours.isEmpty else { return filters }
        let detached = rstwho_detach_links(ours, UInt32(ours.count))
        guard detached >= 0 else {
            throw CaptureError(
                .ioError, subject: "a link", problem: "cannot be detached: \(SystemError.text(-detached))",
                errno: -detached)
        }
        return Int(detached) + filters
    }
}
