// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Paths: one direction only")
struct PathOneWayTests {
    @Test("An acknowledged handshake whose SYN-ACK never came past here, and data that is repeated: the reply bypasses")
    func bypasses() throws {
        var story = Story()
        story.work(port: 80)
        story.client(.syn)
        story.client(.ack, seq: 1001, ack: 9001)
        story.repeatData(at: [0.2, 0.6, 1.7])
        story.wait(1)
        let finding = try story.path()
        #expect(finding.path?.cause == .replyBypasses)
        #expect(finding.path?.repeated == .data)
        #expect(finding.isProblem)
    }

    @Test("… or a handshake that is acknowledged again and again")
    func acknowledged() throws {
        var story = Story()
        story.work(port: 80)
        story.client(.syn)
        for gap in [0.0, 1.0, 2.0] {
            story.wait(gap)
            story.client(.ack, seq: 1001, ack: 9001)
        }
        story.wait(1)
        let finding = try story.path()
        #expect(finding.path?.cause == .replyBypasses)
        #expect(finding.path?.repeated == .ack)
    }

    @Test("A connection that gets on in one direction only is no finding: a stateless router, direct server return")
    func healthy() {
        var story = Story()
        story.work(port: 80)
        story.client(.syn)
        story.client(.ack, seq: 1001, ack: 9001)
        for segment in 0..<20 as Range<UInt32> {
            story.client([.psh, .ack], seq: 1001 + 3 * segment, ack: 9001 + 100 * segment, payload: "abc")
            story.wait(0.5)
        }
        story.client([.psh, .ack], seq: 1058, ack: 10901, payload: "abc")
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test("A SYN-ACK again and again whose SYN never came past here")
    func oneWayHere() throws {
        var story = Story()
        story.work(port: 80)
        for gap in [0.0, 1.0, 2.0] {
            story.wait(gap)
            story.server([.syn, .ack], seq: 9000, ack: 1001)
        }
        story.wait(1)
        #expect(try story.path().path?.cause == .oneWayHere)
    }

    @Test("… once is enough for nobody, and for a client that nobody knows it answers a spoofed SYN")
    func backscatter() {
        var story = Story()
        story.work(port: 80)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.wait(9)
        #expect(story.causes == [])
        story = Story()
        for gap in [0.0, 1.0, 2.0, 4.0] {
            story.wait(gap)
            story.server([.syn, .ack], seq: 9000, ack: 1001)
        }
        story.wait(9)
        #expect(story.causes == [])
    }

    /// Connections of which the tap shows the client's direction, with losses that look like failures.
    private func tap(_ count: UInt16, both: UInt16 = 0) -> Story {
        var story = Story()
        for port in 0..<both { story.work(port: 80, clientPort: 40_000 + port) }
        for port in 0..<count {
            story.clientPort = 50_000 + port
            story.client(.syn)
            story.client(.ack, seq: 1001, ack: 9001)
            story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET")
            story.client(.ack, seq: 1004, ack: 9101)
        }
        return story
    }

    @Test("A tap of one direction is said once, and nothing of its connections")
    func oneWayTap() throws {
        var story = tap(20)
        story.repeatData(at: [0.3, 0.9, 2])
        story.wait(9)
        let finding = try story.path()
        #expect(finding.path?.cause == .oneWayTap)
        #expect(finding.count == 16)
        #expect(!finding.isProblem)
        #expect(try tap(4).path().path?.cause == .oneWayTap)
    }

    @Test("A few connections of one direction are not the tap")
    func mixed() {
        #expect(tap(3).causes == [])
        #expect(tap(20, both: 5).causes == [])
    }
}
