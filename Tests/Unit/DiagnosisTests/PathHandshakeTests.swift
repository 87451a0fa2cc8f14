// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Paths: the SYN-ACK comes again and again")
struct PathHandshakeTests {
    /// As a client sees a connection whose ACK is lost on the way or in the server, with data that is repeated too.
    private func stuck(at seconds: [Double] = [1, 3], redirects: Int = 0) -> Story {
        var story = Story()
        story.ping(4)
        story.repeatSYNACK(at: seconds)
        for _ in 0..<redirects { RedirectsTests.Redirect(quotedPort: 50992).add(to: &story) }
        story.wait(2)
        return story
    }

    @Test("Two copies, each acknowledged: the ACK is lost or the queue is full, and when it was seen is told")
    func undecided() throws {
        let finding = try stuck().path()
        let path = try #require(finding.path)
        #expect(path.cause == .ackLostOrQueueFull)
        #expect(path.repeated == .synACK)
        #expect(path.copies == 2)
        #expect(path.seconds == [0, 1, 3])
        #expect(path.isAcknowledgedHere)
        #expect(finding.fiveTuple.source == .client)
        #expect(finding.fiveTuple.destinationPort == 22)
        #expect(finding.time.map { $0 - Story.start } ?? 0 < 3_100_000_000)
        #expect(finding.confidence ?? 0 > 0.9)
        #expect(finding.isProblem)
        #expect(finding.evidence.map(\.name.rawValue).contains("syn_ack_acknowledged"))
    }

    @Test("One copy is loss at most, whatever is said of the way; so is none")
    func oneCopy() {
        #expect(stuck(at: [1], redirects: 1).causes == [])
        #expect(stuck(at: []).causes == [])
        #expect(stuck(at: [0.001, 0.002, 0.003]).causes == [])
    }

    @Test("A redirect for that server decides: the ACK does not arrive, and the gateway is named")
    func redirect() throws {
        var story = stuck(at: [1])
        RedirectsTests.Redirect().add(to: &story)
        story.wait(0.99)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, seq: 1001, ack: 9001)
        let finding = try story.path()
        #expect(finding.path?.cause == .ackNotDelivered)
        #expect(finding.path?.redirect?.from == IPAddress("10.1.0.2"))
        #expect(finding.path?.redirect?.gateway == IPAddress("10.1.0.3"))
        #expect(finding.evidence.contains { $0.name == .redirected && $0.weight == 4 })
        #expect(finding.confidence ?? 0 > 0.9)
    }

    @Test("A redirect for another client decides nothing")
    func otherRedirect() throws {
        var story = stuck(at: [1])
        RedirectsTests.Redirect(to: IPAddress(v4: 0x0a01_0009), quotedSource: IPAddress(v4: 0x0a01_0009)).add(
            to: &story)
        story.wait(0.99)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, seq: 1001, ack: 9001)
        #expect(try story.path().path?.cause == .ackLostOrQueueFull)
    }

    @Test("Several ports of the host that fail while none works are the way; another that works speaks for the queue")
    func ports() throws {
        var story = stuck()
        (story.serverPort, story.clientPort) = (443, 50993)
        story.repeatSYNACK(at: [1, 3])
        story.wait(1)
        let findings = story.paths()
        #expect(findings.map(\.id).count == 2)
        #expect(Set(findings.map(\.id)).count == 1)
        #expect(findings.map(\.revision) == [0, 1])
        #expect(findings.last?.path?.cause == .ackNotDelivered)
        #expect(findings.last?.path?.ports == [22, 443])
        #expect(findings.last?.count == 2)

        story = Story()
        story.work(port: 80)
        story.repeatSYNACK(at: [1, 3])
        story.wait(1)
        let finding = try story.path()
        #expect(finding.path?.cause == .ackLostOrQueueFull)
        #expect(finding.evidence.contains { $0.name == .otherPortWorks && $0.weight < 0 })
    }

    @Test("Where the server is next door and the client is not, its ACKs arrived: the queue is full")
    func atServer() throws {
        var story = Story()
        story.serverTTL = 64
        story.repeatSYNACK(at: [1, 3], clientTTL: 61)
        story.wait(1)
        #expect(try story.path().path?.cause == .acceptQueueFull)
        // Both are: nothing can be said.
        story = Story()
        story.serverTTL = 64
        story.repeatSYNACK(at: [1, 3])
        story.wait(1)
        #expect(try story.path().path?.cause == .ackLostOrQueueFull)
    }

    @Test("Without the client's ACK and without a repeated SYN: the ACK never comes as far as here")
    func neverHere() throws {
        var story = Story()
        story.repeatSYNACK(at: [1, 3], isAnswered: false, clientTTL: 62)
        story.wait(3)
        let finding = try story.path()
        #expect(finding.path?.cause == .ackNotDelivered)
        #expect(finding.path?.isAcknowledgedHere == false)
        #expect(finding.evidence.contains { $0.name == .ackNeverHere })
    }

    @Test("… but not within the longest round trip, next to the client, or where it comes late")
    func notYet() {
        var story = Story()
        story.repeatSYNACK(at: [1, 3], isAnswered: false, clientTTL: 62)
        story.wait(0.5)
        story.client(.ack, seq: 1001, ack: 9001, ttl: 62)
        story.client([.psh, .ack], seq: 1001, ack: 9001, ttl: 62, payload: "GET")
        story.server(.ack, seq: 9001, ack: 1004)
        story.wait(9)
        #expect(story.causes == [])
        story = Story()
        story.repeatSYNACK(at: [1, 3], isAnswered: false, clientTTL: 64)
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test("A round trip of more than three seconds repeats SYNs and SYN-ACKs, and nothing is wrong")
    func satellite() {
        var story = Story()
        story.repeatSYN(at: [1, 3])
        story.wait(0.4)
        for _ in 0..<2 {
            story.server([.syn, .ack], seq: 9000, ack: 1001)
            story.client(.ack, seq: 1001, ack: 9001)
            story.wait(1)
        }
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, seq: 1001, ack: 9001)
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET")
        story.wait(2)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, seq: 1004, ack: 9001)
        story.wait(1.4)
        story.server([.psh, .ack], seq: 9001, ack: 1004, payload: "200")
        story.wait(60)
        #expect(story.causes.allSatisfy { $0 == .loss })
    }

    @Test("Duplicates that a tap makes, routed ones too, are none")
    func mirrored() {
        var story = Story()
        story.step = 20_000
        story.open()
        for _ in 0..<3 {
            story.server([.syn, .ack], seq: 9000, ack: 1001, ttl: 60)
            story.client(.ack, seq: 1001, ack: 9001, ttl: 63)
        }
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test("A listener that waits for data repeats its SYN-ACK to a silent client once")
    func deferred() {
        var story = Story()
        story.repeatSYNACK(at: [1])
        story.wait(0.5)
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET")
        story.server([.psh, .ack], seq: 9001, ack: 1004, payload: "200")
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test("A server that speaks after its SYN-ACK came twice had lost the ACK: loss")
    func lostACK() throws {
        var story = Story()
        story.repeatSYNACK(at: [1])
        story.server([.psh, .ack], seq: 9001, ack: 1001, payload: "SSH-2.0")
        story.wait(9)
        let finding = try story.path()
        #expect(finding.path?.cause == .loss)
        #expect(finding.path?.recoveredSeconds == 1)
        #expect(!finding.isProblem)
    }

    @Test("A reset ends it: that has a finding of its own")
    func reset() {
        var story = Story()
        story.repeatSYNACK(at: [1, 3])
        story.server([.rst], seq: 9001)
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test("A five-tuple that is used again begins anew")
    func reuse() {
        var story = Story()
        story.repeatSYNACK(at: [1])
        story.client(.rst, seq: 1001)
        story.wait(1)
        story.client(.syn, seq: 70_000)
        story.server([.syn, .ack], seq: 500_000, ack: 70_001)
        story.client(.ack, seq: 70_001, ack: 500_001)
        story.wait(1)
        story.server([.syn, .ack], seq: 500_000, ack: 70_001)
        story.client(.ack, seq: 70_001, ack: 500_001)
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test("Live and from a file, in batches of one and of many, the same is said")
    func agreement() {
        let story = stuck(at: [1, 3, 7])
        var live = story
        live.isLive = true
        let told = story.findings().map { "\($0.id) \($0.evidence)" }
        #expect(told.count == 1)
        #expect(live.findings(batch: 1).map { "\($0.id) \($0.evidence)" } == told)
    }

    @Test("Without times nothing is said of paths")
    func timeless() {
        let story = stuck()
        var engine = Engine(options: Engine.Options())
        let timeless = story.trace.packets.map { packet in
            var packet = packet
            packet.time = 0
            return packet
        }
        timeless.withUnsafeBufferPointer { engine.observe($0, upTo: 0) }
        engine.finish()
        #expect(engine.takeFindings().isEmpty)
    }
}
