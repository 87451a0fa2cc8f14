// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Testing

/// A group's traffic, played once beside an agent and two recorders, and what each of them made of it.
struct MatrixRun: Sendable {
    /// The record of one row in one IP version.
    struct Played: Decodable, Sendable {
        struct Forged: Decodable, Sendable {
            let seq: UInt32
            let flags: UInt8
        }

        let row: String
        let version: Int
        let server: String
        let client: String
        let port: Int
        /// The client's source ports of its connections to `port`.
        let clientPorts: [Int]
        /// The earliest time of its first packet, in seconds since 1970.
        let began: Double
        let forged: [Forged]
    }

    let group: MatrixGroup
    let played: [Played]
    /// In their last revision.
    let live: [ReportedFinding]
    /// Of an agent that looks at one flow of four.
    let shed: [ReportedFinding]
    /// From a capture that tells what came in and what went out.
    let file: [ReportedFinding]
    /// From a capture of the interface, which does not.
    let plainFile: [ReportedFinding]
    /// The latter capture.
    let capture: URL
    /// Holds the capture for as long as the run is remembered.
    private let scratch: Scratch
    /// The plain rules on the latter capture, where the page of figures is wanted.
    let rules: PlainRules?

    private static let runs = Mutex<[String: Result<MatrixRun, LabError>]>([:])

    /// The group's run: made when it is asked for first.
    ///
    /// Throws `LabError` if the traffic did not come about.
    static func of(_ group: MatrixGroup) throws -> MatrixRun {
        try runs.withLock { runs in
            if let run = runs[group.name] { return run }
            let run: Result<MatrixRun, LabError>
            do {
                run = .success(try MatrixRun(playing: group))
            } catch let error as LabError {
                run = .failure(error)
            } catch {
                run = .failure(LabError("\(group.name): \(error)"))
            }
            runs[group.name] = run
            return run
        }.get()
    }

    private init(playing group: MatrixGroup) throws {
        let scratch = try Scratch()
        let capture = scratch.file("capture.pcap")
        let (played, live, shed, files, rules) = try Topology.with(policy: .accept, ipv6: true) { topology in
            var machines = [
                "client": topology.client, "near": topology.nearRouter, "firewall": topology.firewall,
                "far": topology.farRouter, "server": topology.server,
            ]
            for name in group.extra {
                machines[name] = try Namespace(name, scratch: topology.scratch, ipv6: true)
            }
            let machine: Namespace
            var interfaces = [Topology.clientSide]
            // Only `any` tells the direction of each packet (SLL2).
            var recordings = ["any", Topology.clientSide]
            switch group.vantage {
            case .client:
                machine = topology.client
            case .firewall:
                machine = topology.firewall
                interfaces.append(Topology.serverSide)
                recordings = ["any", "any"]
            case .sensor:
                machine = try Namespace("sensor", scratch: topology.scratch, ipv6: true)
                try topology.nearRouter.connect("tap0", to: machine, Topology.clientSide)
                recordings = [Topology.clientSide, Topology.clientSide]
            }
            let recorders = try recordings.map { try Recorder(in: machine, interface: $0) }
            let watcher = try Watcher(in: machine, interfaces: interfaces, hook: .tc, tap: group.vantage == .sensor)
            let shedding = try Watcher(
                in: machine, interfaces: interfaces, hook: .tc, tap: group.vantage == .sensor, options: ["--shed", "4"])
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Traffic/traffic.py")
            let traffic = try ChildProcess(
                ["python3", "-B", script.path, group.name] + machines.map { "\($0.key)=\($0.value.name)" },
                standardOutput: topology.scratch.file("rows"), standardError: topology.scratch.file("traffic.err"))
            try traffic.waitForStandardError("done", timeout: 120)
            // From now on nothing moves: what is repeated while recorders and agent end would be seen by some of them
            // only.
            try topology.farRouter.set("net.ipv4.ip_forward", to: "0")
            try topology.farRouter.set("net.ipv6.conf.all.forwarding", to: "0")
            // What came last has to settle, and an idle link's tick to come.
            usleep(3_000_000)
            let live = try watcher.stop()
            let shed = try shedding.stop()
            for recorder in recorders { try recorder.stop() }
            try FileManager.default.copyItem(at: recorders[1].file, to: capture)
            // It holds its sockets open until now: nothing is sent that no row has asked for.
            traffic.send(SIGKILL)
            _ = try traffic.wait(timeout: 5)

            let decoder = JSONDecoder()
            let rows = try Data(contentsOf: traffic.standardOutput).split(separator: UInt8(ascii: "\n"))
            return (
                try rows.map { try decoder.decode(Played.self, from: $0) }, live, shed,
                try recorders.map { try Recorder.findings(in: $0.file) },
                AccuracyTests.isWanted ? try PlainRules(capture: recorders[1].file) : nil
            )
        }
        self.group = group
        self.played = played
        self.live = live.last
        self.shed = shed.last
        self.file = files[0].last
        self.plainFile = files[1].last
        self.rules = rules
        self.capture = capture
        self.scratch = scratch
    }

    /// Returns the record of a row in one IP version; a row that was not played is an error in the lab.
    func played(_ row: MatrixRow, version: Int) -> Played? {
        played.first { $0.row == row.name && $0.version == version }
    }
}

extension MatrixRun.Played {
    /// The ports of a row.
    private var ports: Range<Int> { port..<port + 10 }

    /// Resets that carry the server's address.
    func ofServer(_ findings: [ReportedFinding]) -> [ReportedFinding] {
        findings.filter { $0.kind == "reset" && $0.src == server && ports.contains($0.srcPort) }
    }

    /// Resets of the client's own.
    func ofClient(_ findings: [ReportedFinding]) -> [ReportedFinding] {
        findings.filter { $0.kind == "reset" && $0.dst == server && ports.contains($0.dstPort) }
    }

    /// True where the row itself forged this reset.
    func isForged(_ finding: ReportedFinding) -> Bool {
        forged.contains { $0.seq == finding.seq && Self.letters($0.flags) == finding.flags }
    }

    /// Returns the sender of a reset with the server's address in a row of `sender`: if some are forged, the others are
    /// the kernel's.
    func sender(of finding: ReportedFinding, made sender: MatrixRow.Sender) -> MatrixRow.Sender {
        forged.isEmpty || isForged(finding) ? sender : .kernel
    }

    private static func letters(_ flags: UInt8) -> String {
        String("FSRPAUEC".enumerated().filter { flags & 1 << $0.offset != 0 }.map(\.element))
    }
}

extension [ReportedFinding] {
    /// Each finding once, in its last revision.
    var last: [ReportedFinding] {
        var last: [String: ReportedFinding] = [:]
        for finding in self where finding.revision >= last[finding.id]?.revision ?? 0 { last[finding.id] = finding }
        return last.values.sorted { ($0.id) < ($1.id) }
    }
}
