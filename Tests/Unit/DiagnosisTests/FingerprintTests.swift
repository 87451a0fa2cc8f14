// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Fingerprints: fading, moving, shared")
struct FingerprintTests {
    @Test("Fading halves counts, forgets what is left nothing of, and keeps the order")
    func fade() {
        var fingerprint = TTLFingerprint()
        for (ttl, count) in [(61, 1), (60, 9), (59, 4)] as [(UInt8, Int)] {
            for _ in 0..<count { fingerprint.add(ttl) }
        }
        fingerprint.fade(1)
        #expect(fingerprint.values.map(\.ttl) == [60, 59])
        #expect(fingerprint.values.map(\.count) == [4, 2])
        fingerprint.fade(0)
        #expect(fingerprint.samples == 6)
        fingerprint.fade(16)
        #expect(fingerprint.isEmpty)
        #expect(fingerprint.samples == 0)
    }

    @Test(
        "A baseline fades by packet time, when its host speaks again",
        arguments: [(0.5, true), (8, false)] as [(Double, Bool)])
    func decay(hours: Double, isAccused: Bool) {
        var story = Story()
        story.ping(8)
        story.wait(hours * 3600)
        story.ping(1)
        story.refuse(ttl: 63)
        #expect(story.findings().map(\.reset?.sender) == [isAccused ? .middlebox : .undetermined])
    }

    @Test("A host that is silent keeps its baseline, and forged packets do not make it fade")
    func noDecay() {
        var story = Story()
        story.ping(4)
        story.wait(8 * 3600)
        story.add(Ethernet().ipv4(.server, .client, ttl: 63).tcp(4000, 80, seq: 1, flags: .syn, window: 100))
        story.refuse(ttl: 63)
        #expect(story.findings().map(\.reset?.sender) == [.middlebox])
    }

    @Test(
        "path_moved: the newest packets in a row come from elsewhere, so the old baseline accuses nobody",
        arguments: [(62, 2, false), (62, 1, true), (63, 2, true), (63, 4, false)] as [(UInt8, Int, Bool)])
    func moved(reset: UInt8, run: Int, isAccused: Bool) throws {
        var story = Story()
        story.ping(400)
        story.ping(run, ttl: 62)
        story.refuse(ttl: reset)
        let finding = try story.finding()
        #expect(finding.reset?.sender == (isAccused ? .middlebox : .undetermined))
        #expect((finding.weight(.pathMoved) == 0) == !isAccused)
    }

    @Test("When most packets are from the new distance, it is the baseline")
    func settled() throws {
        var story = Story()
        story.ping(4)
        story.wait(3 * 3600)
        story.ping(40, ttl: 60)
        story.refuse(ttl: 63)
        #expect(try story.finding().reset?.sender == .middlebox)
        #expect(try story.finding().reset?.hostHop == 5)
    }

    @Test(
        "An address is shared where several distances have a substantial part of its packets",
        arguments: [
            ([61: 40], false), ([61: 40, 58: 2], false), ([61: 40, 58: 8], true), ([61: 30, 125: 30], false),
        ]
            as [([UInt8: Int], Bool)])
    func shared(counts: [UInt8: Int], isShared: Bool) throws {
        var story = Story()
        for (ttl, count) in counts.sorted(by: { $0.key < $1.key }) { story.ping(count, ttl: ttl) }
        #expect(try #require(story.hosts().first { $0.address == .server }).isShared == isShared)
    }
}
