// SPDX-License-Identifier: Apache-2.0
import Foundation
import Packets
import Synchronization
import Testing

/// The traffic of all groups, played once and at the same time, and what each point of view made of its group's.
struct PathRun: Sendable {
    /// The key of the agents that shed, so that tests know which connections those keep.
    static let hashKey = FlowHashKey(ends: 5, flow: 6)
    /// The levels of `--shed 4`.
    static let shedding = SheddingLevels(bulk: 2, handshake: 2)

    /// The findings of one capture point.
    struct View: Sendable {
        let point: PathGroup.Point
        /// In their last revision.
        let live: [ReportedFinding]
        /// Of an agent that looks at one flow of four.
        let shed: [ReportedFinding]
        /// From each of the point's recordings.
        let files: [[ReportedFinding]]
        /// The exit statuses of `read`, one for each recording.
        let statuses: [Int32]
        /// The time of a finding's first live output by identity, in seconds since 1970.
        let printed: [String: Double]
    }

    let group: PathGroup
    let played: [MatrixRun.Played]
    let views: [View]
    /// From what the group's filter leaves of its first point's recording.
    let half: [ReportedFinding]
    /// Of the recordings of all points.
    let comparison: ReportedComparison
    /// Of what cannot be compared, by what is wrong.
    var wrongComparisons: [String: ReportedComparison] = [:]

    private static let runs = Mutex<Result<[String: PathRun], LabError>?>(nil)

    /// The group's run; all groups are played when one is asked for first.
    ///
    /// Throws `LabError` if the traffic did not come about.
    static func of(_ group: PathGroup) throws -> PathRun {
        let runs = try runs.withLock { runs in
            if let runs { return runs }
            let played: Result<[String: PathRun], LabError>
            do {
                played = .success(try playAll())
            } catch let error as LabError {
                played = .failure(error)
            } catch {
                played = .failure(LabError("\(error)"))
            }
            runs = played
            return played
        }.get()
        guard let run = runs[group.name] else { throw LabError("\(group.name) was not played") }
        return run
    }

    private static func playAll() throws -> [String: PathRun] {
        try Namespace.removeLeftovers()
        let stages = try PathGroup.all.map { try PathStage($0) }
        // The last use is not the end of need: programs run in the namespaces.
        return try withExtendedLifetime(stages) {
            for stage in stages { try stage.watch() }
            for stage in stages { stage.begin() }
            try PathStage.waitUntilDone(stages)
            // What came last has to settle, and an idle link's tick to come.
            usleep(3_000_000)
            for stage in stages { try stage.end() }
            var runs = Dictionary(try stages.map { ($0.group.name, try $0.run()) }, uniquingKeysWith: { $1 })
            runs[stages[0].group.name]?.wrongComparisons = try stages[0].wrongComparisons(beside: stages[4])
            return runs
        }
    }

    /// Returns the record of a row in one IP version; a row that was not played is an error in the lab.
    func played(_ row: PathRow, version: Int) -> MatrixRun.Played? {
        played.first { $0.row == row.name && $0.version == version }
    }

    func view(from machine: String) -> View? { views.first { $0.point.machine == machine } }
}

extension MatrixRun.Played {
    /// Returns the findings about the row's connections, resets excluded.
    func paths(_ findings: [ReportedFinding]) -> [ReportedFinding] {
        findings.filter { $0.kind != "reset" && ($0.src == server || $0.dst == server) }
    }
}
