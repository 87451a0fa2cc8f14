// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Paths: no answer")
struct PathNoAnswerTests {
    @Test("A SYN that is sent three times although the host answers ping")
    func pinged() throws {
        var story = Story()
        story.ping(4)
        story.repeatSYN(at: [1, 3])
        story.wait(2)
        let finding = try story.path()
        #expect(finding.path?.cause == .noAnswer)
        #expect(finding.path?.repeated == .syn)
        #expect(finding.path?.seconds == [0, 1, 3])
        #expect(finding.path?.answers == .ping(4))
        #expect(finding.confidence ?? 0 > 0.9)
    }

    @Test("… another port works, or it answers ping only afterwards")
    func otherSigns() throws {
        var story = Story()
        story.work(port: 443)
        story.repeatSYN(at: [1, 3])
        story.wait(2)
        #expect(try story.path().path?.answers == .otherPort(443))
        story = Story()
        story.repeatSYN(at: [1, 3])
        story.wait(20)
        story.ping(1)
        story.wait(2)
        #expect(try story.path().path?.answers == .ping(1))
    }

    @Test("A host that answers nobody, and one that answers too long afterwards, may be down")
    func silent() {
        var story = Story()
        story.repeatSYN(at: [1, 3, 7])
        story.wait(70)
        #expect(story.causes == [])
        story.ping(1)
        story.wait(70)
        #expect(story.causes == [])
    }

    @Test("A client that gives up after two, and one that is answered in between")
    func short() throws {
        var story = Story()
        story.ping(1)
        story.repeatSYN(at: [1])
        story.wait(4)
        #expect(try story.path().path?.copies == 1)
        story = Story()
        story.ping(1)
        story.repeatSYN(at: [1])
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, seq: 1001, ack: 9001)
        story.wait(9)
        #expect(story.causes == [.loss])
        story = Story()
        story.ping(1)
        story.client(.syn)
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test("A refusal is an answer")
    func refused() {
        var story = Story()
        story.ping(1)
        story.repeatSYN(at: [1, 3])
        story.server([.rst, .ack], ack: 1001)
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test("A SYN that is answered here again and again: the client does not get it")
    func answerPasses() throws {
        var story = Story()
        story.client(.syn, ttl: 62)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        for gap in [1.0, 2.0] {
            story.wait(gap)
            story.client(.syn, ttl: 62)
            story.server([.syn, .ack], seq: 9000, ack: 1001)
        }
        story.wait(2)
        let finding = try story.path()
        #expect(finding.path?.cause == .noAnswer)
        #expect(finding.path?.answerPasses == true)
    }

    @Test(
        "Many connections of one route to one service are one finding with a count; it is told anew at ten, and at the end"
    )
    func counted() {
        var story = Story()
        story.ping(1)
        for port in 0..<12 {
            story.clientPort = 50_000 + UInt16(port)
            story.repeatSYN(at: [1, 3])
            story.wait(2)
        }
        let findings = story.paths()
        #expect(findings.map(\.count) == [1, 10, 12])
        #expect(findings.map(\.revision) == [0, 1, 2])
        #expect(Set(findings.map(\.id)).count == 1)
    }

    @Test("A scanner connects to many in vain: nothing is said of its targets")
    func scan() {
        var story = Story()
        story.ping(1)
        story.step = 10_000_000
        for port in 1...30 {
            story.serverPort = UInt16(port)
            story.client(.syn)
        }
        for gap in [1.0, 1.7] {
            story.wait(gap)
            for port in 1...30 {
                story.serverPort = UInt16(port)
                story.client(.syn)
            }
        }
        story.wait(9)
        #expect(story.causes == [])
    }

    @Test(
        "A flood of spoofed SYNs, from many networks or from one, leaves handshakes open: nothing is said",
        arguments: [1, 256])
    func flood(spread: UInt32) {
        var story = Story()
        story.step = 1_000_000
        let sources = (0..<100).map { IPAddress(v4: 0xc000_0000 + $0 * spread) }
        for source in sources {
            story.add(Ethernet().ipv4(source, .server, ttl: 50).tcp(1024, 80, seq: 1, flags: .syn))
        }
        for gap in [0.0, 0.8, 1.8] {
            story.wait(gap)
            for source in sources {
                story.add(
                    Ethernet().ipv4(.server, source, ttl: 61).tcp(80, 1024, seq: 7, ack: 2, flags: [.syn, .ack]))
            }
        }
        story.wait(9)
        #expect(story.causes == [])
    }

    // MARK: An open connection

    private func stalled(_ seconds: [Double], payload: String = "GET /", talk: (inout Story) -> Void) -> Story {
        var story = Story()
        story.open()
        talk(&story)
        story.repeatData(at: seconds, payload: payload)
        story.wait(1)
        return story
    }

    private static let timeouts = [0.2, 0.6, 1.4, 3, 6.2]

    @Test("Data that nobody acknowledges for six seconds while the host answers others")
    func stalls() throws {
        var story = stalled(Self.timeouts) { _ in }
        story.ping(2)
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET /")
        story.wait(2)
        let finding = try story.path()
        #expect(finding.path?.cause == .noAnswer)
        #expect(finding.path?.repeated == .data)
        #expect(finding.path?.bytes == 5)
        #expect(finding.path?.isOnlyLarge == false)
    }

    @Test("A host that is silent may be down, a shut window is probed, and three seconds are an outage that passes")
    func noStall() {
        #expect(stalled(Self.timeouts) { _ in }.causes == [])
        let shut = stalled(Self.timeouts) { story in
            story.server(.ack, seq: 9001, ack: 1001, window: 0)
            story.ping(2)
        }
        #expect(shut.causes == [])
        var brief = stalled([0.2, 0.6, 1.4, 3]) { _ in }
        brief.server(.ack, seq: 9001, ack: 1006)
        brief.wait(9)
        #expect(brief.causes == [.loss])
    }

    @Test("Where small segments got through and a large one does not: a narrow link that nobody tells of")
    func blackHole() throws {
        var story = Story()
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "hello")
        story.server([.psh, .ack], seq: 9001, ack: 1006, payload: "hello")
        let large = String(repeating: "x", count: 1400)
        for gap in [0, 0.2, 0.4, 0.8, 1.6, 3.2] {
            story.wait(gap)
            story.client([.psh, .ack], seq: 1006, ack: 9006, payload: large)
        }
        story.ping(1)
        story.wait(6.4)
        story.client([.psh, .ack], seq: 1006, ack: 9006, payload: large)
        story.wait(2)
        let finding = try story.path()
        #expect(finding.path?.isOnlyLarge == true)
        #expect(finding.path?.bytes == 1400)
    }

    @Test("Keep-alives are not data")
    func keepalives() {
        var story = Story()
        story.converse()
        for _ in 0..<8 {
            story.wait(1)
            story.client(.ack, seq: 1001, ack: 9002, payload: "\u{0}")
            story.ping(1)
        }
        story.wait(9)
        #expect(story.causes == [])
    }
}
