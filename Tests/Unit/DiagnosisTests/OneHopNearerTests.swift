// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("A reset from near its host, or from behind it")
struct OneHopNearerTests {
    /// A connection in which both sides have spoken, and a reset without a socket in answer to the client's next data.
    private static func cut(ttl: UInt8, after silence: Double = 0, pings: UInt8? = nil) -> Story {
        var story = Story()
        if let pings { story.ping(4, ttl: pings) }
        story.converse()
        story.wait(silence)
        story.client([.psh, .ack], seq: 1002, ack: 9002, payload: "C")
        story.server(.rst, seq: 9002, ttl: ttl)
        return story
    }

    @Test("One hop nearer than the connection's packets, nothing else known: the device in front or the address itself")
    func undecided() throws {
        let finding = try Self.cut(ttl: 62).finding()
        #expect(finding.reset?.sender == .undetermined)
        #expect(finding.reset?.cause == .unknown)
        #expect(finding.weight(.oneHopNearer) == 0)
    }

    @Test("A ping from as far as the connection's packets: a device")
    func device() throws {
        let finding = try Self.cut(ttl: 62, pings: 61).finding()
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.hop == 3)
    }

    @Test("A ping that comes later decides as well")
    func latePing() throws {
        var story = Self.cut(ttl: 62)
        story.wait(5)
        story.ping(4)
        #expect(story.findings().last?.reset?.sender == .middlebox)
        story = Self.cut(ttl: 62)
        story.wait(5)
        story.ping(4, ttl: 62)
        #expect(story.findings().last?.reset?.sender == .hostKernel)
    }

    @Test("A ping from as far as the reset: the address's own kernel, which forwards for a machine behind it")
    func forwards() throws {
        let finding = try Self.cut(ttl: 62, pings: 62).finding()
        #expect(finding.reset?.sender == .hostKernel)
        #expect(finding.reset?.cause == .untranslated)
    }

    @Test("Two hops nearer the connection's own distance decides")
    func twoHops() throws {
        let finding = try Self.cut(ttl: 63).finding()
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.hop == 2)
    }

    @Test("A socket's reset one hop nearer is not of this kind")
    func socket() throws {
        var story = Story()
        story.converse()
        story.client([.psh, .ack], seq: 1002, ack: 9002, payload: "C")
        story.server([.rst, .ack], seq: 9002, ack: 1003, ttl: 62, window: 477)
        #expect(try story.finding().weight(.oneHopNearer) == nil)
    }

    @Test(
        "After a silence what is nearer than the connection's packets dropped it, whoever answers ping",
        arguments: [62, 63])
    func silence(ttl: UInt8) throws {
        let finding = try Self.cut(ttl: ttl, after: 30, pings: ttl).finding()
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.cause == .idleTimeout)
        #expect(finding.reset?.hop == Int(64 - ttl) + 1)
    }

    @Test("No hop lies behind the host, and its distance accuses nobody")
    func farther() throws {
        let finding = try Self.cut(ttl: 50).finding()
        #expect(finding.reset?.sender == .undetermined)
        #expect(finding.reset?.hop == nil)
        #expect(finding.weight(.fartherThanHost) == 0)
    }

    @Test("A TTL that tells no hop, but which the connection's own packets have too, is the host's")
    func oddTTL() throws {
        var story = Story()
        story.serverTTL = 85
        story.converse()
        story.client([.psh, .ack], seq: 1002, ack: 9002, payload: "C")
        story.server(.rst, seq: 9002)
        #expect(try story.finding().reset?.sender == .host)
        #expect(try story.finding().reset?.hop == nil)
    }

    @Test("One listener with a TTL of its own does not hide how far the host's other ports are")
    func listener() throws {
        var story = Story()
        story.serverTTL = 200
        story.converse()
        story.serverTTL = 61
        for port: UInt16 in 60_001...60_004 {
            (story.clientPort, story.serverPort) = (port, 8080)
            story.open()
        }
        (story.clientPort, story.serverPort) = (60_010, 23)
        story.refuse(ttl: 63)
        let finding = try #require(story.findings().first { $0.kind == .reset })
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.hostHop == 4)
    }

    @Test(
        "An old segment draws a reset of a machine that forwards; the machine behind it goes on, and nobody is accused")
    func oldSegment() throws {
        func finding(isOld: Bool) throws -> Finding {
            var story = Story()
            story.converse()
            story.client([.psh, .ack], seq: isOld ? 1001 : 1002, ack: 9002, payload: "C")
            story.server(.rst, seq: 9002, ttl: 62)
            story.wait(0.01)
            story.client([.psh, .ack], seq: 1002, ack: 9002, payload: "D")
            story.server([.psh, .ack], seq: 9002, ack: 1003, payload: "E")
            return try story.finding()
        }
        #expect(try finding(isOld: true).reset?.sender == .undetermined)
        #expect(try finding(isOld: false).reset?.sender == .middlebox)
    }

    @Test("Seven seconds of silence are a device's, three are not")
    func shortSilence() throws {
        #expect(try Self.cut(ttl: 62, after: 7, pings: 62).finding().reset?.cause == .idleTimeout)
        #expect(try Self.cut(ttl: 62, after: 3, pings: 62).finding().reset?.cause == .untranslated)
    }

    @Test("Ping and TCP answered by different machines as far away: TCP decides")
    func splitPing() throws {
        var story = Story()
        story.ping(2, ttl: 63)
        story.serverTTL = 254
        story.open()
        story.clientPort = 50_993
        story.refuse(ttl: 254)
        let finding = try story.finding()
        #expect(finding.reset?.sender == .host)
        #expect(finding.weight(.otherInitialTTL) == nil)
    }
}
