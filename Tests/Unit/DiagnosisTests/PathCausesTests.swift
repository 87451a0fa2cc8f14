// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Paths: silent idle drops, signatures, refusals and scans")
struct PathCausesTests {
    // MARK: Idle timers that drop

    /// A connection that works, is silent, and then repeats data in vain.
    private func idle(_ silence: Double, isAlone: Bool) -> Story {
        var story = Story()
        story.serverPort = 443
        story.converse()
        story.wait(silence)
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "again")
        for pause in [0.2, 0.4, 0.8, 1.6, 3.4, 6.6] {
            story.wait(pause)
            story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "again")
        }
        if !isAlone { story.work(port: 443) }
        story.wait(13)
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "again")
        story.wait(5)
        return story
    }

    @Test("After a long silence, data without an answer names the silence, alone or not", arguments: [true, false])
    func silence(isAlone: Bool) throws {
        let finding = try idle(309, isAlone: isAlone).path()
        #expect(finding.path?.cause == .noAnswer)
        #expect(finding.path?.repeated == .data)
        let silence = try #require(finding.path?.silence)
        #expect(abs(silence - 309) < 1)
    }

    @Test("A short silence explains nothing, and without any sign of the host nothing is said")
    func shortSilence() throws {
        #expect(idle(5, isAlone: true).causes == [])
        let finding = try idle(5, isAlone: false).path()
        #expect(finding.path?.cause == .noAnswer)
        #expect(finding.path?.silence == nil)
    }

    @Test("A first retransmission after more than a second does not hide the silence")
    func slowTimer() throws {
        var story = Story()
        story.converse()
        story.wait(200)
        story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "again")
        for pause in [1.5, 3, 6, 12, 24] {
            story.wait(pause)
            story.send(.client, [.psh, .ack], seq: 1002, ack: 9002, payload: "again")
        }
        story.wait(5)
        let silence = try #require(try story.path().path?.silence)
        #expect(abs(silence - 200) < 1)
    }

    // MARK: Signatures

    private static let md5: [UInt8] = [1, 1, 19, 18] + [UInt8](repeating: 7, count: 16)
    private static let authentication: [UInt8] = [29, 16] + [UInt8](repeating: 7, count: 14) + [1, 1]

    private func syn(_ story: inout Story, options: [UInt8]) {
        story.add(
            Ethernet().ipv4(.client, .server, ttl: 64)
                .tcp(story.clientPort, 179, seq: 1000, flags: .syn, window: 500, options: options))
    }

    @Test(
        "A signed SYN without an answer names the signature",
        arguments: [(md5, TCPSignature.md5), (authentication, .authentication)])
    func signature(options: [UInt8], expected: TCPSignature) throws {
        var story = Story()
        story.ping(3)
        for pause in [0.0, 1, 2, 4] {
            story.wait(pause)
            syn(&story, options: options)
        }
        story.wait(5)
        let finding = try story.path()
        #expect(finding.path?.cause == .noAnswer)
        #expect(finding.path?.signature == expected)
    }

    @Test("… without a signature it is a plain one, and a signed connection that works is none")
    func unsigned() throws {
        var story = Story()
        story.serverPort = 179
        story.ping(3)
        for pause in [0.0, 1, 2, 4] {
            story.wait(pause)
            syn(&story, options: [])
        }
        story.wait(5)
        #expect(try story.path().path?.signature == nil)
        story = Story()
        story.serverPort = 179
        syn(&story, options: Self.md5)
        story.wait(1)
        syn(&story, options: Self.md5)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.ack, seq: 1001, ack: 9001)
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "OPEN")
        story.server([.psh, .ack], seq: 9001, ack: 1005, payload: "OPEN")
        story.wait(5)
        #expect(!story.causes.contains(.noAnswer))
    }

    // MARK: Refusals

    @Test("A SYN that a device refuses by ICMP is not one without an answer as well", arguments: [1, 9, 10, 13])
    func refused(code: UInt8) {
        var story = Story()
        story.ping(3)
        story.client(.syn)
        story.error(StoryError(code: code))
        for pause in [1.0, 2, 4] {
            story.wait(pause)
            story.client(.syn)
        }
        story.wait(5)
        #expect(story.causes == [])
        #expect(story.findings().contains { $0.kind == .icmpError })
    }

    @Test("… \"fragmentation needed\" refuses a size, and a refusal of another port another service")
    func otherErrors() {
        for port in [22, 25] as [UInt16] {
            var story = Story()
            story.serverPort = 22
            story.ping(3)
            story.client(.syn)
            story.error(StoryError(code: port == 22 ? 4 : 13, port: port))
            for pause in [1.0, 2, 4] {
                story.wait(pause)
                story.client(.syn)
            }
            story.wait(5)
            #expect(story.causes == [.noAnswer])
        }
    }

    // MARK: Scans and losses

    private func halfOpen(window: UInt16, works: Bool) -> Story {
        var story = Story()
        story.add(
            Ethernet().ipv4(.client, .server, ttl: 63)
                .tcp(61_717, 22, seq: 5000, flags: .syn, window: window))
        func answer() {
            story.add(
                Ethernet().ipv4(.server, .client, ttl: 61)
                    .tcp(22, 61_717, seq: 700, ack: 5001, flags: [.syn, .ack], window: 500))
        }
        answer()
        if works { story.work(port: 22) } else { story.work(port: 80) }
        for pause in [1.0, 2, 4, 8] {
            story.wait(pause)
            answer()
        }
        story.wait(5)
        return story
    }

    @Test("A half-open scan, or another connection of the same pair and port that works, is no undelivered ACK")
    func scans() {
        #expect(halfOpen(window: 500, works: true).causes == [])
        #expect(halfOpen(window: 1024, works: false).causes == [])
        #expect(halfOpen(window: 500, works: false).causes == [.ackNotDelivered])
    }

    @Test("Five SYNs lost in a row are no loss that works again")
    func lateAnswer() throws {
        for (times, expected) in [([1.0, 3, 7, 15], Finding.PathCause.noAnswer), ([1.0], .loss)] {
            var story = Story()
            story.repeatSYN(at: times)
            story.server([.syn, .ack], seq: 9000, ack: 1001)
            story.client(.ack, seq: 1001, ack: 9001)
            story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
            story.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B")
            story.wait(5)
            let finding = try story.path()
            #expect(finding.path?.cause == expected)
            #expect(finding.path?.recoveredSeconds != nil)
        }
    }

    // MARK: One cause, one finding

    @Test("A client whose first data is lost to many servers has one finding that counts them")
    func oneCause() throws {
        var story = Story()
        let servers = (1...20).compactMap { IPAddress("10.4.1.\($0)") }
        story.serverPort = 443
        for (number, server) in servers.enumerated() {
            story.server = server
            story.clientPort = 40_000 + UInt16(number)
            story.open()
        }
        for pause in [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4] {
            story.wait(pause)
            for (number, server) in servers.enumerated() {
                story.server = server
                story.clientPort = 40_000 + UInt16(number)
                story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "hello")
            }
        }
        // Another connection of each pair works.
        for (number, server) in servers.enumerated() {
            story.server = server
            story.work(port: 443, clientPort: 30_000 + UInt16(number))
        }
        for (number, server) in servers.enumerated() {
            story.server = server
            story.clientPort = 40_000 + UInt16(number)
            story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "hello")
        }
        story.server = .server
        story.wait(3)
        let ids = Set(story.paths().map(\.id))
        let last = try #require(story.paths().last)
        #expect(ids.count == 1)
        #expect(last.path?.servers == 20)
        #expect(last.count == 20)
        #expect(last.path?.isFirstData == true)
        #expect(last.path?.othersWork == true)
    }

    @Test("… two services that a client cannot reach are two findings")
    func twoCauses() {
        var story = Story()
        let servers = (1...2).compactMap { IPAddress("10.4.1.\($0)") }
        for server in servers {
            story.server = server
            story.ping(2)
        }
        for pause in [0.0, 1, 2, 4] {
            story.wait(pause)
            for server in servers {
                story.server = server
                story.client(.syn)
            }
        }
        story.wait(5)
        #expect(Set(story.paths().map(\.id)).count == 2)
    }
}
