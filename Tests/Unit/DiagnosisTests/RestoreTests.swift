// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

/// Tests of the state that an engine passes to its successor across a restart.
@Suite struct RestoreTests {
    private static let hour: UInt64 = 3600 * Story.second

    private func options(_ interfaces: [String]) -> Engine.Options {
        var options = Engine.Options()
        options.interfaceNames = interfaces
        options.seed = .random(in: .min ... .max)
        return options
    }

    /// Returns the knowledge after eight connections to the server, which is at hop 4.
    private func records(_ interfaces: [String] = ["eth0"], interface: UInt8 = 0) -> (
        records: [HostRecord], now: UInt64
    ) {
        var story = Story(options(interfaces))
        for connection in 0..<8 {
            story.clientPort = UInt16(40_000 + connection)
            story.client(.syn)
            story.server([.syn, .ack], seq: 9000, ack: 1001, interface: interface)
            story.client(.ack, seq: 1001, ack: 9001)
        }
        return (story.engineAfterwards { $0.memory.hostRecords() }, story.time)
    }

    /// A connect that a reset at TTL 63 (hop 2) answers, by an engine that begins `later` with `records`.
    private func verdict(
        _ records: [HostRecord], now: UInt64, later: UInt64, interfaces: [String] = ["eth0"], interface: UInt8 = 0
    ) throws -> Finding.Reset {
        var story = Story()
        story.wait(Double(now + later - story.time) / 1e9)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 63, interface: interface)
        var engine = Engine(options: options(interfaces))
        engine.restore(hosts: records, now: now + later)
        story.trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: story.time) }
        engine.finish()
        return try #require(engine.takeFindings().first?.reset)
    }

    @Test func theFirstResetIsJudgedWithTheOldBaseline() throws {
        let (records, now) = records()
        let known = try verdict(records, now: now, later: Story.second)
        #expect(known.sender == .middlebox)
        #expect(known.hop == 2)
        #expect(known.hostHop == 4)
        let unknown = try verdict([], now: now, later: Story.second)
        #expect(unknown.sender == .undetermined)
        #expect(unknown.hostHop == nil)
    }

    @Test func aBaselineFadesWhileNobodyListens() throws {
        let (records, now) = records()
        #expect(try verdict(records, now: now, later: Story.second).hostSamples == 8)
        #expect(try verdict(records, now: now, later: 2 * Self.hour + Story.second).hostSamples == 2)
        let gone = try verdict(records, now: now, later: 24 * Self.hour)
        #expect(gone.hostHop == nil)
        #expect(gone.sender == .undetermined)
    }

    @Test func onlyHostsThatProvedToBeAliveAreKept() {
        let (records, _) = records()
        #expect(records.map(\.address).contains(.server))
        var spoofed = Story()
        spoofed.client(.syn)
        #expect(spoofed.engineAfterwards { $0.memory.hostRecords() }.isEmpty)
    }

    @Test func interfacesAreKnownByTheirNames() throws {
        let (records, now) = records(["eth0", "eth1"], interface: 1)
        #expect(records.first { $0.address == .server }?.interfaces == ["eth1"])
        // The same interface has another number now.
        let moved = try verdict(records, now: now, later: Story.second, interfaces: ["eth1", "eth2"], interface: 0)
        #expect(moved.sender == .middlebox)
        // It is not watched any more: what came by it says nothing of the others.
        let other = try verdict(records, now: now, later: Story.second, interfaces: ["eth2"], interface: 0)
        #expect(other.hostHop == nil)
    }

    @Test func hostsFromTheTimeToComeAreLeftOut() {
        let (records, now) = records()
        var engine = Engine(options: options(["eth0"]))
        #expect(engine.restore(hosts: records, now: now - Self.hour) == 0)
        #expect(engine.restore(hosts: records, now: now) == records.count)
        // What is known already stays.
        #expect(engine.restore(hosts: records, now: now) == 0)
    }

    @Test func numbersThatNoneHasTrapNowhere() throws {
        var record = HostRecord(address: .server, domain: .max)
        record.newestTTL = .max
        record.newestRun = .max
        record.fadedAt = .max
        record.interfaces = ["", "eth0", String(repeating: "x", count: 1000)]
        record.firstSeen = .max
        record.fingerprints = [HostRecord.Fingerprint](repeating: HostRecord.Fingerprint(), count: 9)
        for index in record.fingerprints.indices {
            record.fingerprints[index].ttls = [0, 0, 255, 61, 61, 7, 9, 3]
            record.fingerprints[index].counts = [.max, .max, .max, 0, .max, .max, .max]
            record.fingerprints[index].others = .max
        }
        record.lastSeen = Story.start
        let found = try verdict([record], now: Story.start, later: Story.second)
        #expect(found.sender != .thisMachine)
        #expect(HostSummary(record).ttls.count <= 4)
    }

    @Test func devicesKeepTheirNames() throws {
        var story = Story()
        story.ping(8)
        story.refuse(ttl: 63)
        story.wait(5)
        let before = story.engineAfterwards { $0.memory.origins }
        #expect(before.map(\.origin.id) == ["o-1"])
        func origins(_ restored: [OriginRecord], ttl: UInt8) -> [Origin] {
            var later = Story()
            later.wait(60)
            later.ping(8)
            later.refuse(ttl: ttl)
            later.wait(5)
            var engine = Engine()
            engine.restore(origins: restored)
            later.trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: later.time) }
            return engine.origins
        }
        let same = origins(before, ttl: 63)
        #expect(same.map(\.id) == ["o-1"])
        #expect(same.first?.resets == 2)
        #expect(origins(before, ttl: 62).map(\.id) == ["o-1", "o-2"])
        // Names that are none, and numbers beyond all counting.
        var hostile = before
        hostile[0].origin.id = "o-99999999999999999999"
        #expect(origins(hostile, ttl: 62).map(\.id) == ["o-1"])
        hostile[0].origin.id = "o-7"
        hostile[0].origin.resets = .max
        #expect(origins(hostile, ttl: 63).map(\.id) == ["o-7"])
    }

    @Test func whatIsForgottenIsGone() throws {
        var story = Story()
        story.ping(8)
        story.refuse(ttl: 63)
        story.wait(5)
        let prefix = try #require(IPPrefix(prefixOrAddress: "\(IPAddress.server)"))
        story.engineAfterwards { engine in
            let known = engine.hostSnapshot.summaries().map(\.address)
            #expect(known.contains(.server))
            #expect(engine.forget(prefix) == 1)
            #expect(engine.hostSnapshot.summaries().map(\.address) == known.filter { $0 != .server })
            #expect(engine.origins.isEmpty)
            #expect(engine.forget(prefix) == 0)
        }
    }
}
