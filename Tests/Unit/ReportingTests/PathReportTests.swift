// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Reporting

@Suite("The table of paths")
struct PathReportTests {
    private func summary() throws -> PathSummary {
        var path = PathSummary(
            network: try #require(IPAddress("192.168.1.0")), length: 24,
            server: try #require(IPAddress("192.168.2.20")),
            firstSeen: 1_767_225_600_000_000_000, lastSeen: 1_767_225_609_000_000_000)
        path.there = PathSummary.Way(
            interface: "eth0", isOutgoing: true, from: "02:00:00:00:00:01", to: "02:00:00:00:00:02", connections: 12)
        path.back = PathSummary.Way(interface: "eth0", from: "02:00:00:00:00:fe", connections: 12)
        path.symmetry = .different
        path.connections = 12
        path.worked = 3
        path.retransmissions = 40
        path.roundTrip = 0.000312
        path.failingPorts = [22, 443]
        return path
    }

    @Test func aPathIsReadAsItWasWritten() throws {
        let path = try summary()
        let line = PathReport.line(path)
        #expect(line.contains(#""clients":"192.168.1.0/24","server":"192.168.2.20","ways":"different""#))
        #expect(PathReport.decode(Array("{\"items\":[\(line)]}".utf8)) == [path])
        var bare = try summary()
        (bare.there, bare.back, bare.roundTrip, bare.failingPorts) = (nil, nil, nil, [])
        #expect(PathReport.decode(Array("{\"items\":[\(PathReport.line(bare))]}".utf8)) == [bare])
    }

    @Test(arguments: [
        ("192.168.1.0/24", "192.168.1.0"), ("192.168.1.0/24", "192.168.1.0/129"), ("different", "strange"),
        ("\"worked\":3", "\"worked\":-3"), ("0.000312", "-1"), ("192.168.2.20", "x"),
    ])
    func whatNoAgentSaysIsNotTaken(what: String, other: String) throws {
        let line = PathReport.line(try summary())
        #expect(line.contains(what))
        #expect(PathReport.decode(Array("{\"items\":[\(line.replacing(what, with: other))]}".utf8)) == nil)
    }

    @Test func peopleSeeBothWays() throws {
        var unseen = try summary()
        unseen.there = nil
        unseen.symmetry = .oneWay
        unseen.roundTrip = nil
        let lines = PathReport.text([try summary(), unseen]).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[1].contains("two ways"))
        #expect(lines[1].contains("eth0 02:00:00:00:00:01 > 02:00:00:00:00:02"))
        #expect(lines[1].contains("0.3 ms"))
        #expect(lines[1].hasSuffix("eth0 from 02:00:00:00:00:fe"))
        #expect(lines[2].contains("one direction"))
        #expect(lines[2].contains("not seen"))
        #expect(PathReport.text([]).contains("No connection"))
    }
}
