// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import Glibc
import Logging

/// What becomes of a watch's capabilities once all is attached, opened and bound.
final class WatchPrivileges: Sendable {
    /// Who asks what takes CAP_NET_ADMIN.
    let inquiries: KernelInquiries
    private let live: LiveCapture
    private let needs: PrivilegeNeeds
    private let mode: PrivilegeNeeds.Mode
    private let helper: QuestionHelper?

    /// - Parameter directories: those that are written to while it runs.
    init(_ mode: PrivilegeNeeds.Mode, live: LiveCapture, directories: [String]) {
        self.mode = mode
        self.live = live
        var needs = live.privilegeNeeds
        let foreign = directories.filter { Self.belongsToAnother($0) }
        if !foreign.isEmpty {
            needs.need(
                [.overridesFilePermissions], "\(foreign.joined(separator: " and ")) belongs to another account")
        }
        self.needs = needs
        // Nothing of a mirror port's connections is this machine's: it is not asked.
        let asks = !live.options.isTap
        let givesUpAsking = mode == .drop || mode == .auto && !needs.kept.contains(.netAdmin)
        helper =
            asks && givesUpAsking
            ? QuestionHelper {
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
    func giveUp() {
        let kept = mode == .drop ? [] : needs.kept
        guard mode != .keep else {
            printMessage("privileges: all are kept, as capture.privileges says", level: .info)
            return
        }
        do {
            try Privilege.keepOnly(kept)
        } catch {
            printMessage(error.description)
            return
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
    }

    /// True for a directory that only root's right to pass over permissions opens.
    private static func belongsToAnother(_ directory: String) -> Bool {
        var status = stat()
        return stat(directory, &status) == 0 && status.st_uid != geteuid()
            && Privilege.current().has(.overridesFilePermissions)
    }
}
