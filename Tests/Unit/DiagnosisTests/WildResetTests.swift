// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Resets as other stacks and devices send them")
struct WildResetTests {
    // MARK: Bursts

    /// A SYN, resets with these TTLs in its answer's place, and the host's own answer.
    private static func burst(_ ttls: [UInt8], step: UInt16 = 7) -> Story {
        var story = Story()
        story.client(.syn)
        story.step = 100_000
        for (number, ttl) in ttls.enumerated() {
            story.server(
                [.rst, .ack], ack: 1001, ttl: ttl, window: 500 + UInt16(number),
                identification: 3000 + step * UInt16(number))
        }
        story.step = 50_000_000
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        return story
    }

    @Test("A burst whose TTLs count up is one device's, at a hop that is not known, and closes nothing")
    func burst() throws {
        let story = Self.burst([101, 102, 103])
        let finding = try story.finding()
        #expect(finding.count == 3)
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.cause == .injected)
        #expect(finding.reset?.hop == nil)
        #expect(story.origins().count == 1)
        #expect(story.origins().first?.hop == nil)
    }

    @Test("Resets with equal TTLs are told one by one, and none of them closes the connection for the next")
    func equalBurst() {
        let resets = Self.burst([53, 53, 53]).findings().compactMap(\.reset)
        #expect(resets.map(\.stage) == [.syn, .syn, .syn])
        #expect(resets.map(\.sender) == [.middlebox, .middlebox, .middlebox])
    }

    @Test("After a close the second reset is no more suspicious than the first")
    func secondAfterClose() {
        var story = Story()
        story.converse()
        story.client([.fin, .ack], seq: 1002, ack: 9002)
        story.server(.rst, seq: 9002, ttl: 63, identification: 9000)
        story.server(.rst, seq: 9002, ttl: 63, identification: 9500)
        #expect(story.findings().allSatisfy { $0.reset?.sender != .middlebox })
    }

    // MARK: Copied values

    @Test("A window that half of all hosts send was copied from nobody", arguments: [8192, 65_535, 29_200, 64_240])
    func commonWindow(window: UInt16) throws {
        var story = Story()
        story.send(.client, .syn, seq: 1000, Marks(window: window))
        story.send(.server, [.rst, .ack], ack: 1001, Marks(window: window))
        let finding = try story.finding()
        #expect(finding.weight(.triggerWindow) == nil)
        #expect(finding.reset?.sender == .undetermined)
    }

    @Test("A rare window is evidence, but one observation accuses nobody of whose host nothing is known")
    func rareWindow() throws {
        var story = Story()
        story.send(.client, .syn, seq: 1000, Marks(window: 4711))
        story.send(.server, [.rst, .ack], ack: 1001, Marks(window: 4711))
        let finding = try story.finding()
        #expect(finding.weight(.triggerWindow) == EvidenceModel.single)
        #expect(finding.reset?.sender == .undetermined)
    }

    @Test("A packet that came back with its addresses turned: its TTL counts on, so its hop is not the reset's")
    func reflected() throws {
        var story = Story()
        story.ping(4)
        story.send(.client, .syn, seq: 1000, Marks(ttl: 128, identification: 63_020, window: 8332))
        story.send(.server, [.rst, .ack], ack: 1001, Marks(ttl: 124, identification: 63_020, window: 8332))
        let finding = try story.finding()
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.cause == .injected)
        #expect(finding.reset?.hop == nil)
    }

    @Test("A reset that acknowledges what was never sent is nobody's who received it")
    func acksUnsent() throws {
        func reset(ack: UInt32) throws -> Finding {
            var story = Story()
            story.converse()
            story.server([.rst, .ack], seq: 9002, ack: ack)
            return try story.finding()
        }
        #expect(try reset(ack: 1302).weight(.acksUnsent) == 3)
        #expect(try reset(ack: 1302).reset?.sender == .undetermined)
        #expect(try reset(ack: 1002).weight(.acksUnsent) == nil)
        #expect(try reset(ack: 1002).reset?.sender == .host)
    }

    // MARK: Stacks

    @Test(
        "The order of its options tells a stack",
        arguments: [
            (UInt64(0x24813), UInt8(64), StackFamily.linux), (0x213_1184, 64, .bsd), (0x21348, 64, .bsd),
            (0x21348, 128, .windows), (0x213114, 128, .windows), (0x2, 64, .unknown),
        ])
    func family(order: UInt64, ttl: UInt8, family: StackFamily) {
        #expect(StackFamily.of(options: order, initialTTL: ttl) == family)
    }

    /// MSS, window scale, SACK permitted and timestamps in the order of these kinds.
    private static func options(_ kinds: [UInt8]) -> [UInt8] {
        kinds.flatMap { kind -> [UInt8] in
            switch kind {
            case 2: [2, 4, 5, 160]
            case 3: [3, 3, 7]
            case 4: [4, 2]
            case 8: [8, 10, 0, 0, 0, 1, 0, 0, 0, 0]
            default: [kind]
            }
        }
    }

    @Test("A reset without a flow label is a packet filter's on Linux, and the kernel's own on BSD")
    func flowLabel() throws {
        func sender(_ kinds: [UInt8]) throws -> Finding.Sender? {
            var story = Story()
            story.isIPv6 = true
            story.send(.client, .syn, seq: 1000, Marks(identification: 77))
            story.add(
                Ethernet(source: .neighbour).ipv6(.server6, .client6, hopLimit: 61, flowLabel: 99)
                    .tcp(
                        22, 50992, seq: 9000, ack: 1001, flags: [.syn, .ack], window: 500, options: Self.options(kinds))
            )
            story.send(.client, [.psh, .ack], seq: 1001, ack: 9001, Marks(identification: 77), payload: "A")
            story.send(.server, .ack, seq: 9001, ack: 1002, Marks(identification: 99))
            story.send(.client, [.psh, .ack], seq: 1002, ack: 9001, Marks(identification: 77), payload: "B")
            story.send(.server, .rst, seq: 9001)
            return try story.finding().reset?.sender
        }
        #expect(try sender([2, 4, 8, 1, 3]) == .hostFirewall)
        #expect(try sender([2, 1, 3, 1, 1, 8, 4]) == .host)
    }

    @Test("A loopback address is this machine's")
    func loopback() throws {
        var story = Story()
        story.add(
            Ethernet().ipv4(IPAddress(v4: 0x7f00_0001), IPAddress(v4: 0x7f00_0002)).tcp(
                5000, 80, seq: 1, flags: .syn, window: 9))
        story.add(
            Ethernet().ipv4(IPAddress(v4: 0x7f00_0002), IPAddress(v4: 0x7f00_0001))
                .tcp(80, 5000, ack: 2, flags: [.rst, .ack], window: 0))
        #expect(try story.finding().reset?.sender == .host)
        #expect(try story.finding().reset?.cause == .portClosed)
    }

    // MARK: Causes

    @Test("What answered after the silence was not dropped for it")
    func spokeAfterSilence() throws {
        var story = Story()
        story.converse()
        story.wait(60)
        story.client([.psh, .ack], seq: 1002, ack: 9002, payload: "C")
        story.server([.psh, .ack], seq: 9002, ack: 1003, payload: "D")
        story.client([.psh, .ack], seq: 1003, ack: 9003, payload: "E")
        story.server(.rst, seq: 9003, ttl: 63)
        let finding = try story.finding()
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.reset?.stage == .data)
        #expect(finding.reset?.cause != .idleTimeout)
    }

    @Test("An old segment that draws a reset from a device shows no policy")
    func oldSegment() throws {
        var story = Story()
        story.converse()
        story.client([.psh, .ack], seq: 1001, ack: 9002, payload: "A")
        story.server(.rst, seq: 9002, ttl: 63)
        #expect(try story.finding().reset?.cause == .unknown)
    }

    @Test("An ACK of other numbers in answer to a SYN: the server has an old connection")
    func staleConnection() throws {
        var story = Story()
        story.client(.syn)
        story.server(.ack, seq: 777_000, ack: 555_000)
        story.client(.rst, seq: 555_000)
        #expect(try story.finding().reset?.cause == .staleConnection)
        story = Story()
        story.client(.syn)
        story.server([.syn, .ack], seq: 9000, ack: 1001)
        story.client(.rst, seq: 1001)
        #expect(try story.finding().reset?.cause == .aborted)
    }

    @Test("The first answer refused after a half-close is lost; a rest after others is late")
    func lostAnswer() throws {
        func finding(hasAnswered: Bool) throws -> Finding {
            var story = Story()
            story.open()
            story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
            if hasAnswered { story.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B") }
            let seq: UInt32 = hasAnswered ? 9002 : 9001
            story.client([.fin, .ack], seq: 1002, ack: seq)
            story.wait(65)
            story.server([.psh, .ack], seq: seq, ack: 1003, payload: "C")
            story.send(.client, .rst, seq: 1003)
            return try story.finding()
        }
        #expect(try finding(hasAnswered: false).reset?.losesAnswer == true)
        #expect(try finding(hasAnswered: true).reset?.losesAnswer == false)
        #expect(try finding(hasAnswered: false).reset?.cause == .lateData)
    }

    @Test(
        "A scan's ACK or FIN cuts no transfer and closes no connection",
        arguments: [TCPFlags.ack, .fin, [.fin, .psh, .urg]])
    func scans(flags: TCPFlags) throws {
        var story = Story()
        story.client(flags, seq: 1000, ack: 9)
        story.server(.rst, seq: 9)
        #expect(try story.finding().reset?.stage == Finding.Stage.none)

        story = Story()
        story.open()
        story.client(flags.union(.ack), seq: 1001, ack: 9001)
        story.server(.rst, seq: 9001)
        #expect(try story.finding().reset?.stage == (flags.contains(.fin) ? .afterClose : .handshake))
    }

    @Test("Data of a connection whose opening was not seen are a transfer")
    func lateCapture() throws {
        var story = Story()
        story.client([.psh, .ack], seq: 1000, ack: 9, payload: "X")
        story.server(.rst, seq: 9)
        #expect(try story.finding().reset?.stage == .data)
    }

    // MARK: Counts

    @Test("Equal resets count as often as segments can have drawn them", arguments: [(4, 4), (20, 9)])
    func equalResets(sent: Int, told: Int) {
        var story = Story()
        story.step = 10_000
        story.converse()
        for number: UInt32 in 0..<5 { story.client([.psh, .ack], seq: 1002 + number, ack: 9002, payload: "X") }
        for _ in 0..<sent { story.server(.rst, seq: 9002) }
        #expect(story.findings().filter { $0.kind == .reset }.count == told)
    }

    @Test(
        "Equal resets alone in a capture count each, unless a mirror's copy would come as soon",
        arguments: [(735_000, 2), (50_000, 1)] as [(UInt64, Int)])
    func resetsOnly(step: UInt64, told: Int) {
        var story = Story()
        story.step = step
        for _ in 0..<2 { story.server(.rst, seq: 9002) }
        #expect(story.findings().filter { $0.kind == .reset }.count == told)
    }

    @Test("A packet seen twice the same way is a copy where it has an IP-ID", arguments: [(UInt16(4000), 1), (0, 2)])
    func copies(identification: UInt16, samples: Int) {
        var story = Story()
        story.step = 1000
        story.client(.syn)
        for _ in 0..<2 { story.server([.syn, .ack], seq: 9000, ack: 1001, identification: identification) }
        let counted = story.statistics().observed
        #expect(counted == UInt64(samples) + 1)
    }
}
