// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Silences that a device's timer explains, and those that it does not")
struct IdleTimerTests {
    /// Silences of a connection, each ended by data that is acknowledged but the last, which a device resets.
    private func cause(after silences: [Double], port: UInt16 = 22) throws -> Finding.Cause? {
        var story = Story()
        story.serverPort = port
        story.ping(4)
        story.converse()
        var seq: UInt32 = 1002
        for silence in silences.dropLast() {
            story.wait(silence)
            story.client([.psh, .ack], seq: seq, ack: 9002, payload: "x")
            seq += 1
            story.server(.ack, seq: 9002, ack: seq)
        }
        story.wait(try #require(silences.last))
        story.client([.psh, .ack], seq: seq, ack: 9002, payload: "x")
        story.server([.rst, .ack], seq: 9002, ack: seq + 1, ttl: 63)
        let finding = try story.finding()
        #expect(finding.reset?.sender == .middlebox)
        return finding.reset?.cause
    }

    @Test("The first long silence, or one much longer than those before, is a timer")
    func timer() throws {
        #expect(try cause(after: [305]) == .idleTimeout)
        #expect(try cause(after: [30, 30, 305]) == .idleTimeout)
    }

    @Test("No timer: the connection outlived a silence that was as long")
    func outlived() throws {
        #expect(try cause(after: [305, 305]) == .unknown)
        #expect(try cause(after: [30, 31, 29, 30]) == .unknown)
    }

    @Test("A silence a little longer than one before is a timer where it equals a documented default")
    func documented() throws {
        #expect(try cause(after: [330, 351]) == .idleTimeout)
        #expect(try cause(after: [410, 430]) == .unknown)
    }

    @Test("No timer of a device: the protocol ends a silent session itself")
    func protocolTimer() throws {
        #expect(try cause(after: [180.5], port: 179) == .unknown)
        #expect(try cause(after: [180.5], port: 5432) == .idleTimeout)
    }
}
