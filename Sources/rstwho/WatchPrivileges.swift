// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import FoundationEssentials
import Glibc
import Logging

/// The treatment of a watch's capabilities once everything is attached, opened and bound.
final class WatchPrivileges: Sendable {
    /// The queries that need CAP_NET_ADMIN.
    let inquiries: PrivilegedQueries
    private let live: LiveCapture
    private let needs: PrivilegeNeeds
    private let mode: PrivilegeNeeds.Mode
    private let helper: PrivilegedHelper?

    /// - `paths`: what is opened while it runs.
    init(_ mode: PrivilegeNeeds.Mode, live: LiveCapture, paths: [String]) {
        self.mode = mode
        self.live = live
        var needs = live.privilegeNeeds
        let foreign = paths.filter { Self.belongsToAnother($0) }
        if !foreign.isEmpty {
            needs.need(
                [.overridesFilePermissions], "the way to \(foreign.joined(separator: ", ")) is another account's")
        }
        self.needs = needs
        // Nothing of a mirror port's connections is this machine's: it is not asked.
        let asks = !live.options.isTap
        let givesUpAsking = mode == .drop || mode == .auto && !needs.kept.contains(.netAdmin)
        helper =
            asks && givesUpAsking
            ? PrivilegedHelper {
                printMessage(
                    "the process that asks connection tracking and packet filter has ended: they are not asked any more"
                )
            } : nil
        inquiries = helper?.inquiries ?? .direct
        if asks, givesUpAsking, helper == nil {
            printMessage("connection tracking and packet filter are not asked: no process can be started for that")
        }
    }

    /// Gives up what is not needed from now on, and says so.
    ///
    /// - Returns: false where it cannot be given up: then nothing must go on with it.
    func giveUp() -> Bool {
        let kept = mode == .drop ? [] : needs.kept
        guard mode != .keep else {
            printMessage("privileges: all are kept, as capture.privileges says", level: .info)
            return true
        }
        do {
            try Privilege.keepOnly(kept)
        } catch {
            printMessage("\(error). The capture ends rather than go on with all of them", level: .error)
            return false
        }
        if !Capability.loading.isSubset(of: kept) { live.notePrivilegesGivenUp() }
        let own =
            kept.isEmpty
            ? "all are given up"
            : "\(Capability.text(kept)) kept, as \(needs.reasons.joined(separator: ", and ")); all others are given up"
        let others =
            helper.map {
                "; process \($0.process) keeps \(Capability.netAdmin.name) to ask connection tracking and packet filter"
            } ?? ""
        printMessage("privileges: \(own)\(others)", level: .info)
        return true
    }

    /// Confines this process to the files and system calls that it uses; says so where that cannot be done.
    ///
    /// The helper process keeps what `nft` needs.
    ///
    /// - `writable`: its own directories. They may have to be made again: where this account may do that, the directory
    ///   above is writable as well.
    /// - `readable`: what it reads again while it runs.
    func confine(writable: [String], readable: [String]) {
        let own = writable.filter { !$0.isEmpty }
        let above = own.map { Self.directory(of: $0) }.filter { access($0, W_OK) == 0 }
        let confinement = Confinement(
            writable: own + above, readable: readable.filter { !$0.isEmpty }.map { Self.directory(of: $0) },
            startsPrograms: helper == nil && !live.options.isTap)
        for problem in confinement.apply() { printMessage("\(problem)", level: .info) }
    }

    /// The directory that has a file or directory.
    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// True for what only root's right to pass over permissions may open: it, or a directory on the way, is another
    /// account's.
    private static func belongsToAnother(_ path: String) -> Bool {
        guard !path.isEmpty, Privilege.current().has(.overridesFilePermissions) else { return false }
        let whole = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        var way = ""
        return whole.split(separator: "/").contains { name in
            way += "/\(name)"
            return FileStatus(at: way).map { $0.owner != geteuid() } ?? false
        }
    }
}
