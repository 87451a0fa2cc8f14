// SPDX-License-Identifier: Apache-2.0
import Foundation
import Packets
import Testing

/// Tests of lost packets against each row's construction, at every capture point, live and from the file of the same
/// traffic.
@Suite(
    "Lab, the paths", .serialized,
    .enabled(if: Requirements.areMet && Requirements.has("python3"), "\(Requirements.reason), and python3"))
struct PathTests {
    @Test("Each point of view says what can be known there", arguments: PathGroup.all)
    func truth(group: PathGroup) throws {
        let run = try PathRun.of(group)
        for row in group.rows {
            for version in [4, 6] {
                guard let played = run.played(row, version: version) else { continue }
                for expectation in row.expectations {
                    let view = try #require(run.view(from: expectation.point))
                    if let issue = expectation.knownIssue {
                        withKnownIssue("\(row.name) at \(expectation.point): \(issue)") {
                            expectation.expect(view, played)
                        }
                    } else {
                        expectation.expect(view, played)
                    }
                }
            }
        }
        #expect(Set(run.played.map(\.row)) == Set(group.rows.map(\.name)))
    }

    @Test(
        "With one flow of four, kept ones are told as before or left open, and of the others nothing",
        arguments: PathGroup.shedding)
    func shedding(group: PathGroup) throws {
        let run = try PathRun.of(group)
        var (same, open, kept, shed) = (0, 0, 0, 0)
        for row in group.rows {
            for version in [4, 6] {
                guard let played = run.played(row, version: version) else { continue }
                let isKept = played.flowHashes.map { !PathRun.shedding.sheds(.bulk, hash: $0) }
                kept += isKept.count { $0 }
                shed += isKept.count { !$0 }
                for expectation in row.expectations where expectation.knownIssue == nil {
                    let view = try #require(run.view(from: expectation.point))
                    let title: Comment = "\(row.name) over IPv\(version) at \(expectation.point), one of four"
                    let findings = played.paths(view.shed)
                    let expected = expectation.causes.union(expectation.tolerated)
                    let wrong = findings.filter { !expected.contains($0.label) && !expectation.isLeftOpen($0) }
                    #expect(wrong.map(\.essence) == [], title)
                    let paths = findings.filter { $0.kind == "path" }
                    #expect(
                        paths.filter { PathRun.shedding.sheds(.bulk, hash: played.flowHash(of: $0)) }.map(\.essence)
                            == [], title)
                    guard !expectation.causes.isEmpty, isKept.contains(true) else { continue }
                    if findings.contains(where: { expectation.causes.contains($0.label) }) {
                        same += 1
                    } else {
                        open += 1
                        #expect(findings.contains(where: expectation.isLeftOpen), title)
                    }
                }
            }
        }
        print("\(group.name), one flow of four: \(kept) kept, \(shed) shed; told as before \(same), left open \(open)")
        #expect(kept > 0 && shed > 0)
        #expect(same > open || group.rows.allSatisfy { $0.expectations.allSatisfy(\.causes.isEmpty) })
    }

    @Test("Nothing is said of what no row did", arguments: PathGroup.all)
    func strays(group: PathGroup) throws {
        let run = try PathRun.of(group)
        let servers = Set(run.played.map(\.server))
        for view in run.views {
            let strays = view.live.filter {
                $0.kind != "reset" && !servers.contains($0.src) && !servers.contains($0.dst)
            }
            #expect(strays.map(\.essence) == [], "\(group.name) at \(view.point.machine)")
        }
    }

    @Test("A tap that shows one direction only is told from a network that has two ways")
    func halfATap() throws {
        let run = try PathRun.of(.healthy)
        let causes = run.half.filter { $0.kind == "path" }.map(\.cause)
        #expect(causes == ["one_way_tap"])
    }

    @Test("Reading a file ends with 1 where something is wrong, and with 0 where nothing is", arguments: PathGroup.all)
    func statuses(group: PathGroup) throws {
        for view in try PathRun.of(group).views {
            for (file, status) in zip(view.files, view.statuses) {
                let problems = file.filter(\.isProblem)
                #expect(
                    status == (problems.isEmpty ? 0 : 1),
                    "\(group.name) at \(view.point.machine): \(problems.map(\.essence))")
            }
        }
    }

    @Test("Live and file say the same", arguments: PathGroup.all)
    func agreement(group: PathGroup) throws {
        let run = try PathRun.of(group)
        for view in run.views {
            let told = group.rows.filter { row in
                // Which of many connections stands for all depends on when the judge looks.
                row.name != "case2_crowd"
                    && !row.expectations.contains { $0.point == view.point.machine && $0.fromFile != nil }
            }
            let servers = Set(run.played.filter { played in told.contains { $0.name == played.row } }.map(\.server))
            // What the machine dropped itself only the kernel and both of its hooks tell, which no file has.
            let live = view.live.filter {
                $0.kind != "reset" && $0.cause != "dropped_here" && !servers.isDisjoint(with: [$0.src, $0.dst])
            }
            for file in view.files {
                let findings = file.filter { $0.kind != "reset" && !servers.isDisjoint(with: [$0.src, $0.dst]) }
                #expect(live.essences == findings.essences, "\(group.name) at \(view.point.machine)")
            }
        }
    }
}

extension MatrixRun.Played {
    /// Hashes of the row's connections, by which they are shed.
    fileprivate var flowHashes: [UInt32] { clientPorts.map { hash(client, $0, server, port) } }

    /// The hash of the connection that a finding is about.
    fileprivate func flowHash(of finding: ReportedFinding) -> UInt32 {
        hash(finding.src, finding.srcPort, finding.dst, finding.dstPort)
    }

    private func hash(_ source: String, _ sourcePort: Int, _ destination: String, _ destinationPort: Int) -> UInt32 {
        guard let source = IPAddress(source), let destination = IPAddress(destination) else { return .max }
        return FiveTuple(
            source: source, sourcePort: UInt16(sourcePort), destination: destination,
            destinationPort: UInt16(destinationPort)
        ).flowHash(PathRun.hashKey)
    }
}

extension PathExpectation {
    /// True where the finding leaves open whether it is the cause: what decides may have come with connections that
    /// were shed.
    fileprivate func isLeftOpen(_ finding: ReportedFinding) -> Bool {
        causes.contains("ack_not_delivered") && finding.label == "ack_lost_or_queue_full"
    }

    /// Expects of what one point of view said of a row what the row's construction says.
    func expect(_ view: PathRun.View, _ played: MatrixRun.Played) {
        let title = "\(played.row) over IPv\(played.version) at \(point)"
        let live = played.paths(view.live)
        expect(live, causes: causes, "\(title), live")
        for (file, recording) in zip(view.files, view.point.recordings) {
            expect(played.paths(file), causes: fromFile ?? causes, "\(title), file of \(recording)")
        }
        guard let finding = live.first(where: { causes.contains($0.label) }) else { return }
        for name in names[played.version] ?? [] {
            #expect(finding.words.contains(name), "\(title): \(finding.words)")
        }
        if let within {
            let delay = view.printed[finding.id].map { $0 - played.began }
            #expect(delay.map { $0 <= within } == true, "\(title): said after \(delay.map { "\($0)" } ?? "-") s")
        }
    }

    private func expect(_ findings: [ReportedFinding], causes: Set<String>, _ title: String) {
        let wrong = findings.filter { !causes.contains($0.label) && !tolerated.contains($0.label) }
        #expect(wrong.map(\.essence) == [], "\(title)")
        if !causes.isEmpty {
            #expect(findings.contains { causes.contains($0.label) }, "\(title): \(findings.map(\.essence))")
        }
    }
}
