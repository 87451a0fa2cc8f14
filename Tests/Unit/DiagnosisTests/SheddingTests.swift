// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

/// A connection of which the kernel part sheds packets from some moments on.
private struct ShedStory {
    var story: Story
    private var changes: [(time: UInt64, levels: SheddingLevels)] = []

    init(_ story: Story = Story(isLive: true)) { self.story = story }

    /// From now on.
    mutating func shed(_ levels: SheddingLevels) { changes.append((story.time, levels)) }

    /// Returns the findings at the end, without the packets that the levels shed.
    func findings() -> [Finding] {
        var engine = Engine(options: story.engine)
        engine.begin(file: nil, isLive: true)
        var changes = changes[...]
        var levels = SheddingLevels.none
        var all: [Finding] = []
        for packet in story.trace.packets {
            while let change = changes.first, change.time < packet.time {
                levels = change.levels
                engine.noteShedding(.init(levels: levels, earliest: change.time, latest: change.time))
                changes.removeFirst()
            }
            let record = packet.record
            guard !levels.sheds(record.packetClass, hash: record.flowHash(Engine.Options().hashKey)) else { continue }
            withUnsafePointer(to: packet) { engine.observe(.init(start: $0, count: 1), upTo: packet.time) }
        }
        for change in changes {
            engine.noteShedding(.init(levels: change.levels, earliest: change.time, latest: change.time))
        }
        engine.observe(.init(start: nil, count: 0), upTo: story.time)
        engine.finish()
        all += engine.takeFindings()
        return all
    }

    func reset() throws -> Finding {
        let all = findings().filter { $0.reset != nil }
        #expect(Set(all.map(\.id)).count == 1)
        return try #require(all.last)
    }

    var causes: [Finding.PathCause] { findings().compactMap { $0.path?.cause } }
}

extension Finding {
    fileprivate var isShed: Bool { evidence.contains { $0.name == .flowShed } }
}

extension Story {
    /// The client's port that makes the flow one that `levels` keep, or shed.
    fileprivate mutating func choose(kept: Bool, _ levels: SheddingLevels) {
        let first = clientPort
        clientPort =
            (first..<first + 2000).first { port in
                let tuple = FiveTuple(
                    source: .client, sourcePort: port, destination: server, destinationPort: serverPort)
                return levels.sheds(.bulk, hash: tuple.flowHash(Engine.Options().hashKey)) != kept
            } ?? first
    }
}

@Suite("Shed flows")
struct SheddingTests {
    private static let four = SheddingLevels(bulk: 2, handshake: 2)
    private static let bulk = SheddingLevels(bulk: 2, handshake: 0)

    private func story(kept: Bool, _ levels: SheddingLevels = four) -> ShedStory {
        var story = Story(isLive: true)
        story.choose(kept: kept, levels)
        return ShedStory(story)
    }

    // MARK: Resets

    @Test("A reset of a shed connection: not that there was none, but that it was shed")
    func unseen() throws {
        for isKept in [false, true] {
            var shed = story(kept: isKept)
            shed.story.ping(4)
            shed.shed(Self.four)
            shed.story.wait(1)
            shed.story.open()
            shed.story.server(.rst, seq: 9001, ttl: 63)
            shed.story.wait(5)
            let finding = try shed.reset()
            #expect(finding.isShed == !isKept)
            #expect(!finding.evidence.contains { $0.name == .noFlow })
            #expect(finding.reset?.sender == (isKept ? .middlebox : .undetermined))
            #expect(finding.reset?.stage == (isKept ? .handshake : .unknown))
        }
    }

    @Test("What was known before shedding began still decides who sent it; the stage is not known any more")
    func before() throws {
        for isKept in [false, true] {
            var shed = story(kept: isKept)
            shed.story.open()
            shed.story.ping(4)
            shed.shed(Self.four)
            shed.story.wait(1)
            shed.story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET /")
            shed.story.server([.psh, .ack], seq: 9001, ack: 1006, payload: "200")
            shed.story.server(.rst, seq: 9004, ttl: 63)
            shed.story.wait(5)
            let finding = try shed.reset()
            #expect(finding.reset?.sender == .middlebox)
            #expect(finding.reset?.hop == 2)
            #expect(finding.isShed == !isKept)
            #expect(finding.reset?.stage == (isKept ? .data : .unknown))
            #expect((finding.reset?.signature == nil) == !isKept)
        }
    }

    @Test("A silence is none where packets were shed in it")
    func silence() throws {
        for isKept in [false, true] {
            var shed = story(kept: isKept)
            shed.story.ping(4)
            shed.story.open()
            shed.story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET /")
            shed.shed(Self.bulk)
            shed.story.wait(100)
            shed.shed(.none)
            shed.story.client([.psh, .ack], seq: 1006, ack: 9001, payload: "GET /")
            shed.story.server([.rst, .ack], seq: 9001, ack: 1011, ttl: 63)
            shed.story.wait(5)
            let reset = try #require(try shed.reset().reset)
            #expect(reset.cause == (isKept ? .idleTimeout : .unknown))
            #expect(reset.stage == (isKept ? .idle : .data))
            #expect((reset.idleSeconds == nil) == !isKept)
        }
    }

    @Test("A number that is beyond all that was seen proves nothing where data was shed")
    func twins() throws {
        for isKept in [false, true] {
            var shed = story(kept: isKept)
            shed.story.open()
            shed.shed(Self.bulk)
            shed.story.wait(1)
            shed.story.server([.psh, .ack], seq: 9001, ack: 1001, payload: "hello")
            shed.story.server(.rst, seq: 9006)
            shed.story.server(.rst, seq: 9020)
            shed.story.wait(5)
            let names = shed.findings().flatMap { $0.evidence.map(\.name.rawValue) }
            #expect(names.contains("twin_resets") == isKept)
        }
    }

    @Test("A connection that was opened after shedding was over is whole")
    func afterwards() throws {
        for isOpenedBefore in [false, true] {
            var shed = story(kept: false)
            shed.story.ping(4)
            if isOpenedBefore { shed.story.open() }
            shed.shed(Self.four)
            shed.story.wait(5)
            shed.shed(.none)
            shed.story.wait(1)
            if !isOpenedBefore { shed.story.open() }
            shed.story.server(.rst, seq: 9001, ttl: 63)
            shed.story.wait(5)
            #expect(try shed.reset().isShed == isOpenedBefore)
        }
        // What was shed more than an hour ago is no reason any more.
        for (hours, isShed) in [(0.9, true), (1.1, false)] {
            var shed = story(kept: false)
            shed.shed(Self.four)
            shed.story.wait(5)
            shed.shed(.none)
            shed.story.wait(hours * 3600)
            shed.story.server(.rst, seq: 9001, ttl: 63)
            shed.story.wait(5)
            #expect(try shed.reset().isShed == isShed)
        }
    }

    @Test("A closed port is told where handshakes are kept, and not where they are shed")
    func refused() throws {
        for (levels, cause) in [(Self.bulk, Finding.Cause.portClosed), (Self.four, .unknown)] {
            var shed = story(kept: false)
            shed.story.ping(4)
            shed.story.client(.syn)
            shed.shed(levels)
            shed.story.server([.rst, .ack], ack: 1001)
            shed.story.wait(5)
            let finding = try shed.reset()
            #expect(finding.isShed)
            #expect(finding.reset?.sender == .host)
            #expect(finding.reset?.cause == cause)
        }
    }

    // MARK: Paths

    @Test("No answer is no finding where answers are shed")
    func noAnswer() {
        for isKept in [false, true] {
            var shed = story(kept: isKept)
            shed.story.ping(4)
            // Its SYNs are seen: they came before and between.
            shed.story.repeatSYN(at: [1, 3])
            shed.shed(Self.four)
            shed.story.wait(5)
            #expect(shed.causes == (isKept ? [.noAnswer] : []))
        }
    }

    @Test("An ACK that is shed was delivered for all that is known")
    func acknowledgement() {
        for isKept in [false, true] {
            var shed = story(kept: isKept)
            shed.shed(Self.bulk)
            shed.story.work(port: 443, clientPort: 40_000)
            shed.story.ping(4)
            shed.story.repeatSYNACK(at: [1, 3, 7], isAnswered: false, clientTTL: 60)
            shed.story.wait(5)
            #expect(shed.causes == (isKept ? [.ackNotDelivered] : []))
        }
    }

    @Test("A stalled transfer whose acknowledgements are shed is none")
    func stalled() {
        for isKept in [false, true] {
            var shed = story(kept: isKept)
            shed.story.ping(4)
            shed.story.open()
            shed.story.repeatData(at: [0.5, 1.5, 3, 4.5, 6.5])
            // Shed for a moment in which the acknowledgement could have come.
            shed.shed(Self.bulk)
            shed.story.wait(0.5)
            shed.shed(.none)
            shed.story.ping(1)
            shed.story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET /")
            shed.story.wait(5)
            #expect(shed.causes.contains(.noAnswer) == isKept)
        }
    }

    // MARK: ICMP errors

    @Test("An error about a shed flow does not say that the flow took another way")
    func icmp() throws {
        for isKept in [false, true] {
            var shed = story(kept: isKept)
            shed.shed(Self.four)
            shed.story.wait(1)
            if isKept { shed.story.client(.syn) }
            shed.story.error(StoryError(clientPort: shed.story.clientPort))
            shed.story.wait(5)
            let finding = try #require(shed.findings().first { $0.kind == .icmpError })
            #expect((finding.evidence(.flowShed) != nil) == !isKept)
            #expect(finding.evidence(.noFlow) == nil)
        }
    }

    // MARK: The log

    @Test("The log knows of each level when it was in force")
    func log() {
        let key = FlowHashKey(ends: 3, flow: 4)
        var log = SheddingLog(hashKey: key)
        let second = Story.second
        func note(_ time: UInt64, _ bulk: Int, _ handshake: Int) {
            log.note(
                SheddingChange(
                    levels: SheddingLevels(bulk: bulk, handshake: handshake), earliest: time * second,
                    latest: time * second + 1000))
        }
        /// A flow that is shed from a level on; the first such port.
        func flow(_ level: Int?) -> FiveTuple {
            let tuples = (UInt16(1)...60_000).lazy.map {
                FiveTuple(source: .client, sourcePort: $0, destination: .server, destinationPort: 443)
            }
            let found = tuples.first { SheddingLevels.firstLevel(sheddingHash: $0.flowHash(key)) == level }
            return found ?? tuples[tuples.startIndex]
        }
        func parts(_ flow: FiveTuple, _ since: UInt64, _ until: UInt64) -> ShedParts {
            log.parts(flow, since: since * second, until: until * second)
        }
        let (first, third, kept) = (flow(1), flow(3), flow(nil))
        #expect(log.isEmpty && parts(first, 0, 100).isEmpty)
        note(10, 1, 0)
        // Packets that were recorded before come later.
        #expect(parts(first, 0, 9) == [])
        #expect(parts(first, 0, 15) == .bulk)
        #expect(parts(third, 0, 15) == [])
        note(20, 3, 1)
        #expect(parts(first, 11, 25) == [.bulk, .handshake])
        #expect(parts(third, 0, 25) == .bulk)
        note(30, 1, 0)
        #expect(parts(third, 0, 35) == .bulk)
        #expect(parts(third, 31, 100) == [])
        note(40, 0, 0)
        #expect(parts(first, 35, 45) == .bulk)
        #expect(parts(first, 41, 49) == [])
        note(50, 1, 1)
        #expect(parts(first, 41, 51) == [.bulk, .handshake])
        #expect(parts(first, 35, 49) == .bulk)
        // Kept whatever is shed.
        #expect(parts(kept, 0, 100) == [])
        #expect(log.hasShed(since: 41 * second, until: 51 * second))
        #expect(!log.hasShed(since: 41 * second, until: 49 * second))
    }
}
