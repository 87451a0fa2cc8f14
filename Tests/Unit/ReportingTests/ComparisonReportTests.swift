// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fixtures
import Packets
import Testing

@testable import Reporting

@Suite("Comparisons as text and JSON")
struct ComparisonReportTests {
    /// The second case of the field: the client's ACK is dropped by r1, which the server's replies bypass.
    private static func asymmetry() -> Comparison {
        let start: UInt64 = 1_767_225_600_000_000_000
        let traces = (0..<3).map { _ in PacketTrace() }
        func add(_ point: Int, _ milliseconds: UInt64, _ frame: FrameBuilder) {
            // r1's clock is two seconds ahead.
            traces[point].add(frame, time: start + milliseconds * 1_000_000 + (point == 1 ? 2_000_000_000 : 0))
        }
        func client(_ time: UInt64, _ flags: TCPFlags, _ seq: UInt32, _ ack: UInt32, _ payload: String, points: Int) {
            for point in 0..<points {
                add(
                    point, time + UInt64(point),
                    Ethernet().ipv4(.client, .server, ttl: 64 - UInt8(point), identification: UInt16(time & 0xffff))
                        .tcp(50_992, 22, seq: seq, ack: ack, flags: flags, window: 500).payload(payload))
            }
        }
        for time in [0, 10, 20] as [UInt64] {
            for point in 0..<3 {
                add(
                    point, time + UInt64(point),
                    Ethernet().ipv4(.client, .server, ttl: 64 - UInt8(point)).echo(reply: false, sequence: UInt16(time))
                )
            }
        }
        client(100, .syn, 1000, 0, "", points: 3)
        for time in [104, 1104, 3104, 7104] as [UInt64] {
            for (point, ttl) in [(2, UInt8(64)), (0, 62)] {
                add(
                    point, time + (point == 0 ? 3 : 0),
                    Ethernet().ipv4(.server, .client, ttl: ttl, identification: 0)
                        .tcp(22, 50_992, seq: 9000, ack: 1001, flags: [.syn, .ack], window: 500))
            }
            client(time + 5, .ack, 1001, 9001, "", points: 2)
            client(time + 9, [.psh, .ack], 1001, 9001, "SSH-2.0-OpenSSH_9\n", points: 2)
        }
        for time in [9000, 9010] as [UInt64] {
            for point in 0..<3 {
                add(
                    point, time + UInt64(point),
                    Ethernet().ipv4(.client, .server, ttl: 64 - UInt8(point)).echo(reply: false, sequence: UInt16(time))
                )
            }
        }
        let captures = zip(["client", "r1", "server"], traces).map { name, trace in
            let capture = ComparedCapture(name: name, seed: 1, capacity: 1000)
            trace.packets.withUnsafeBufferPointer { capture.add($0, upTo: 0) }
            return capture
        }
        return Comparison(captures, resets: [[:], [:], [:]], seed: 1)
    }

    @Test("The verdict comes first, then the paths, then figures")
    func text() throws {
        try expectGolden(ComparisonReport(Self.asymmetry()).text, "compare")
    }

    @Test("An object for each point, route and leg, then findings")
    func json() throws {
        try expectGolden(ComparisonReport.lines(Self.asymmetry()), "compare-json")
    }

    @Test("A finding that another prints is read again, its sentences kept")
    func decoding() throws {
        let finding = try #require(Self.asymmetry().findings.first)
        let read = try #require(JSONLines.decode(JSONLines.line(finding)))
        #expect(read.path?.cause == .droppedBetween)
        #expect(read.summary == finding.summary)
        #expect(read.advice.contains("both directions pass r1 or neither does"))
    }

    @Test("Names cannot command a terminal")
    func hostileNames() {
        let capture = { (name: String, ttl: UInt8) in
            let trace = PacketTrace()
            trace.add(
                Ethernet().ipv4(.client, .server, ttl: ttl).tcp(50_992, 22, seq: 5, flags: .syn), time: 1_000_000_000)
            let capture = ComparedCapture(name: name, seed: 1, capacity: 10)
            trace.packets.withUnsafeBufferPointer { capture.add($0, upTo: 0) }
            return capture
        }
        let comparison = Comparison([capture("a\u{1b}[2J", 64), capture("b", 63)], resets: [[:], [:]], seed: 1)
        #expect(!ComparisonReport(comparison).text.contains("\u{1b}"))
        #expect(!ComparisonReport.lines(comparison).contains("\u{1b}"))
    }

    @Test(
        "Seconds are told exactly",
        arguments: [(0, "0.000000000"), (-1, "-0.000000001"), (3_000_000_007, "3.000000007")])
    func seconds(value: Int64, text: String) {
        #expect(DecimalText.nanoseconds(value) == text)
    }
}
