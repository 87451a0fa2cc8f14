// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Paths: an ignored redirect")
struct RedirectIgnoredTests {
    /// A SYN without an answer, and again at these seconds after it; the router answers the first `redirects` of them.
    private func unanswered(
        at seconds: [Double] = [1, 3, 7], redirects: Int = .max, _ redirect: RedirectsTests.Redirect = .init(),
        in story: Story = Story()
    ) -> Story {
        var story = story
        var last = 0.0
        for (index, second) in ([0] + seconds).enumerated() {
            story.wait(second - last)
            last = second
            story.client(.syn)
            if index < redirects { redirect.add(to: &story) }
        }
        story.wait(2)
        return story
    }

    @Test("A SYN that nothing answers, while the router says again and again to use another one")
    func ignored() throws {
        let finding = try unanswered().path()
        let path = try #require(finding.path)
        #expect(path.cause == .redirectIgnored)
        #expect(path.repeated == .syn)
        #expect(path.copies == 3)
        #expect(path.redirect?.from == IPAddress("10.1.0.2"))
        #expect(path.redirect?.gateway == IPAddress("10.1.0.3"))
        #expect(finding.confidence ?? 0 > 0.85)
        #expect(finding.isProblem)
    }

    @Test("Without redirects, with one that is followed, or with two: none")
    func followed() {
        for redirects in 0...2 { #expect(unanswered(redirects: redirects).causes == [], "\(redirects)") }
        var story = Story()
        story.client(.syn)
        for _ in 0..<3 { RedirectsTests.Redirect().add(to: &story) }
        #expect(unanswered(redirects: 0, in: story).causes == [])
    }

    @Test("Two copies, copies within a second, and a redirect that no router next door sends: none")
    func others() {
        #expect(unanswered(at: [1, 3]).causes == [])
        #expect(unanswered(at: [0.15, 0.3, 0.45, 0.6]).causes == [])
        #expect(unanswered(RedirectsTests.Redirect(ttl: 63)).causes == [])
        #expect(
            unanswered(
                RedirectsTests.Redirect(to: IPAddress(v4: 0x0a01_0009), quotedSource: IPAddress(v4: 0x0a01_0009))
            ).causes == [])
    }

    @Test("Connections that get on are healthy, however often the router redirects")
    func healthy() {
        var story = Story()
        for port: UInt16 in 50_992..<51_002 {
            story.clientPort = port
            story.converse()
            RedirectsTests.Redirect(quotedPort: port).add(to: &story)
            story.wait(1)
        }
        #expect(story.causes == [])
    }

    @Test("Where the host answers ping it is no answer, and nothing besides")
    func answersPing() {
        var story = Story()
        story.ping(4)
        #expect(unanswered(in: story).causes == [.noAnswer])
    }

    @Test("A failing handshake that names the redirect says it for the route")
    func saidAlready() {
        var story = Story()
        story.repeatSYNACK(at: [1])
        RedirectsTests.Redirect().add(to: &story)
        story.wait(1.9)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, seq: 1001, ack: 9001)
        story.wait(2)
        #expect(story.causes == [.ackNotDelivered])
        story.clientPort = 50_993
        #expect(
            !unanswered(RedirectsTests.Redirect(quotedPort: 50_993), in: story).causes.contains(.redirectIgnored))
    }

    @Test("Two connections of a route are one finding")
    func counted() {
        var story = unanswered()
        story.clientPort = 50_993
        story = unanswered(RedirectsTests.Redirect(quotedPort: 50_993), in: story)
        let told = story.paths()
        #expect(Set(told.map(\.id)).count == 1)
        #expect(told.last?.count == 2)
    }

    /// An open connection whose server falls silent; data at these seconds after its first time.
    private func stalled(at seconds: [Double]) -> Story {
        var story = Story()
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "hello")
        story.server(.ack, seq: 9001, ack: 1006)
        story.wait(30)
        var last = 0.0
        for second in [0] + seconds {
            story.wait(second - last)
            last = second
            story.client([.psh, .ack], seq: 1006, ack: 9001, payload: "hello")
            RedirectsTests.Redirect().add(to: &story)
        }
        return story
    }

    @Test("Data that is not acknowledged any more; acknowledged late it is loss")
    func data() throws {
        var story = stalled(at: [0.2, 0.6, 1.4, 3, 6.2])
        story.wait(2)
        let path = try story.path().path
        #expect(path?.cause == .redirectIgnored)
        #expect(path?.repeated == .data)
        var late = stalled(at: [0.2, 0.6, 1.4, 3])
        late.server(.ack, seq: 9001, ack: 1011)
        late.wait(2)
        #expect(late.causes == [.loss])
    }
}
