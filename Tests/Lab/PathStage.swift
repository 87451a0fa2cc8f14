// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Packets

/// One group's network while its traffic is played: an agent and recorders at each point of view.
final class PathStage {
    let group: PathGroup
    private let scratch: Scratch
    private let machines: [String: Namespace]
    private let traffic: ChildProcess
    private var points: [Observer] = []

    private struct Observer {
        let point: PathGroup.Point
        let watcher: Watcher
        /// Looks at one flow of four.
        let shedding: Watcher?
        let recorders: [Recorder]
        var printed: [String: Double] = [:]
        var live: [ReportedFinding] = []
        var shed: [ReportedFinding] = []
    }

    /// Makes the machines and starts the program that wires them.
    init(_ group: PathGroup) throws {
        self.group = group
        let scratch = try Scratch()
        self.scratch = scratch
        machines = Dictionary(
            uniqueKeysWithValues: try group.machines.map {
                ($0, try Namespace($0, scratch: scratch, ipv6: true))
            })
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Traffic/traffic.py")
        traffic = try ChildProcess(
            ["python3", "-B", script.path, group.name] + machines.map { "\($0.key)=\($0.value.name)" },
            standardOutput: scratch.file("rows"), standardError: scratch.file("traffic.err"))
    }

    /// Watches and records at all points once the network is wired.
    func watch() throws {
        try traffic.waitForStandardError("wired", timeout: 60)
        let key = scratch.file("hash_key")
        try Data(PathRun.hashKey.hexadecimal.utf8).write(to: key)
        for point in group.points {
            guard let machine = machines[point.machine] else { throw LabError("no \(point.machine) in \(group.name)") }
            let recorders = try point.recordings.map { try Recorder(in: machine, interface: $0) }
            let watcher = try Watcher(in: machine, interfaces: point.interfaces, hook: .tc)
            let shedding =
                group.isShed
                ? try Watcher(
                    in: machine, interfaces: point.interfaces, hook: .tc, options: ["--shed", "4"],
                    environment: ["RSTWHO_CAPTURE_HASH_KEY": key.path]) : nil
            points.append(Observer(point: point, watcher: watcher, shedding: shedding, recorders: recorders))
        }
    }

    /// Lets the rows begin.
    func begin() { traffic.send(SIGUSR1) }

    /// Waits until all rows of all stages are over, and notes meanwhile when which finding was printed.
    static func waitUntilDone(_ stages: [PathStage]) throws {
        for stage in stages {
            while try !stage.traffic.hasPrinted("done", within: 0.05) {
                for stage in stages { try stage.noteFindings() }
            }
        }
    }

    private func noteFindings() throws {
        for index in points.indices {
            let now = Date().timeIntervalSince1970
            for finding in try points[index].watcher.findings() where points[index].printed[finding.id] == nil {
                points[index].printed[finding.id] = now
            }
        }
    }

    /// Ends agents and recorders.
    func end() throws {
        try noteFindings()
        for index in points.indices {
            points[index].live = try points[index].watcher.stop()
            points[index].shed = try points[index].shedding?.stop() ?? []
            for recorder in points[index].recorders { try recorder.stop() }
        }
        traffic.send(SIGKILL)
        _ = try traffic.wait(timeout: 5)
    }

    /// Returns the findings of a point's last recording, reduced by the group's filter.
    private func halfFindings() throws -> [ReportedFinding] {
        guard let filter = group.half, let whole = points.first?.recorders.last?.file else { return [] }
        let half = scratch.file("half.pcap")
        try Namespace.host(["tcpdump", "-n", "-r", whole.path, "-w", half.path, filter])
        return try Recorder.findings(in: half)
    }

    /// The last recording of each point, as `compare` takes it.
    private var captures: [String] {
        points.compactMap { point in point.recorders.last.map { "\(point.point.machine)=\($0.file.path)" } }
    }

    /// Returns the comparisons of invalid input: no capture, one capture alone, captures of different traffic.
    func wrongComparisons(beside other: PathStage) throws -> [String: ReportedComparison] {
        let text = scratch.file("text")
        try Data("no capture, but a text\n".utf8).write(to: text)
        return [
            "no capture": try ReportedComparison([captures[0], "text=\(text.path)"]),
            "one capture alone": try ReportedComparison([captures[0]]),
            "no common traffic": try ReportedComparison([captures[0], other.captures[0]]),
        ]
    }

    /// Returns the findings, live and of the recordings.
    func run() throws -> PathRun {
        let decoder = JSONDecoder()
        let rows = try Data(contentsOf: traffic.standardOutput).split(separator: UInt8(ascii: "\n"))
        return PathRun(
            group: group, played: try rows.map { try decoder.decode(MatrixRun.Played.self, from: $0) },
            views: try points.map { point in
                let files = try point.recorders.map { try Recorder.reading(of: $0.file) }
                return PathRun.View(
                    point: point.point, live: point.live.last, shed: point.shed.last, files: files.map(\.findings.last),
                    statuses: files.map(\.status), printed: point.printed)
            }, half: try halfFindings(), comparison: try ReportedComparison(captures))
    }
}
