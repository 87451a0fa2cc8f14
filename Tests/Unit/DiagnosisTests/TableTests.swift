// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Bounded tables")
struct TableTests {
    @Test("A flood of forged sources does not push out a host that proved to be alive, and is counted")
    func flood() {
        var options = Engine.Options()
        options.hostCapacity = 64
        options.flowCapacity = 64
        var story = Story(options)
        story.ping(4)
        for source in 0..<5000 as Range<UInt32> {
            story.add(
                Ethernet().ipv4(IPAddress(v4: 0x0b00_0000 + source), .client, ttl: UInt8(40 + source % 20))
                    .tcp(UInt16(1024 + source % 50000), 80, seq: source, flags: .syn, window: 10))
        }
        story.refuse(ttl: 63)
        #expect(story.findings().map(\.reset?.sender) == [.middlebox])
        let statistics = story.statistics()
        #expect(statistics.hosts <= 64)
        #expect(statistics.flows <= 64)
        #expect(statistics.hostEvictions > 4000)
        #expect(statistics.flowEvictions > 4000)
    }

    @Test("A proven host gives way to a proven one only")
    func provenGivesWayToProven() {
        var table = HostTable(capacity: 8, seed: 1)
        for host in 0..<8 as Range<UInt32> {
            #expect(
                table.learn(
                    HostKey(address: IPAddress(v4: host), domain: 0), ttl: 64, class: .echo, isLocal: false,
                    now: UInt64(host) + 1) != nil)
        }
        let newcomer = HostKey(address: IPAddress(v4: 99), domain: 0)
        #expect(table.learn(newcomer, ttl: 64, class: .unproven, isLocal: false, now: 10) == nil)
        #expect(table.evictions == 1)
        #expect(table.learn(newcomer, ttl: 64, class: .tcp, isLocal: false, now: 11) != nil)
        #expect(table.count == 8)
    }

    @Test("Entries fit the memory that is promised for them")
    func sizes() {
        #expect(MemoryLayout<HostEntry>.stride <= 128)
        #expect(MemoryLayout<FlowEntry>.stride <= 192)
        #expect(Engine.entryBytes == (192, 128))
    }

    @Test("What is reached by its offset is there")
    func offsets() {
        #expect(MemoryLayout<FlowEntry>.offset(of: \.low) == FlowEntry.sidesOffset)
        #expect(
            MemoryLayout<FlowEntry>.offset(of: \.high) == FlowEntry.sidesOffset + MemoryLayout<FlowSide>.stride)
        #expect(MemoryLayout<ObservedPacket>.offset(of: \.record) == 0)
        // The source's newest packet and its TTL: one cache line of the host.
        #expect(MemoryLayout<HostEntry>.offset(of: \.lastSeen) == 24)
    }

    @Test("What was put into a table is found there, however full it is, until it gives way")
    func everyPlaceIsFound() {
        var table = FlowTable(capacity: 1024, seed: 7)
        let keys = (0..<5000 as Range<UInt64>).map { number in
            FlowKey(lowHigh: 0, lowLow: number, highHigh: 0, highLow: number &* 31, ports: 80 << 24 | number << 8)
        }
        for key in keys {
            #expect(table.find(key) == nil)
            guard let (entry, isNew) = table.findOrInsert(key, now: key.lowLow + 1) else { continue }
            #expect(isNew)
            entry.pointee.generation = UInt16(truncatingIfNeeded: key.lowLow)
        }
        let found = keys.filter { key in
            guard let entry = table.find(key) else { return false }
            #expect(entry.pointee.generation == UInt16(truncatingIfNeeded: key.lowLow))
            return true
        }
        #expect(found.count == table.count)
        #expect(table.count == 1024)
        #expect(table.evictions == UInt64(keys.count - 1024))
    }

    @Test("What is removed is gone, all else is still found, and the room is used again")
    func removal() {
        var table = HostTable(capacity: 256, seed: 3)
        let keys = (0..<180 as Range<UInt32>).map { HostKey(address: IPAddress(v4: $0 &* 7919), domain: 0) }
        var learnt = Set<HostKey>()
        func learn(_ key: HostKey, at now: UInt64) {
            if table.learn(key, ttl: 64, class: .echo, isLocal: false, now: now) != nil { learnt.insert(key) }
        }
        for (number, key) in keys.enumerated() { learn(key, at: UInt64(number) + 1) }
        let (count, evictions) = (table.count, table.evictions)
        // Buckets of eight: some had to give way.
        #expect(evictions < 20)
        let kept = learnt.filter { table.find($0) != nil }
        #expect(kept.count == count)
        let unwanted = Set(kept.filter { $0.address.low % 3 == 0 })
        #expect(table.remove { unwanted.contains($0) } == unwanted.count)
        for key in kept { #expect((table.find(key) == nil) == unwanted.contains(key)) }
        for key in unwanted { learn(key, at: 1000) }
        for key in kept { #expect(table.find(key) != nil) }
        #expect(table.count == count)
        #expect(table.evictions == evictions)
    }

    @Test("Hashes that were made before the packets' turn find the same", arguments: [1, 5, 512])
    func hashesMadeBefore(batch: Int) {
        var story = Story()
        story.ping(4)
        story.open()
        story.client([.ack, .psh], seq: 1001, ack: 9001, payload: "hello")
        story.server([.ack, .psh], seq: 9001, ack: 1006, payload: "hello")
        story.server(.rst, seq: 9006, ttl: 63)
        story.refuse(ttl: 63, seq: 5000)
        var engine = Engine(options: story.engine)
        let hashing = engine.hashing
        engine.begin(file: nil, isLive: false)
        let packets = story.trace.packets
        for first in stride(from: 0, to: packets.count, by: batch) {
            let part = Array(packets[first..<min(first + batch, packets.count)])
            var hashes = [PacketHashes](
                repeating: PacketHashes(flow: 0, host: 0, sourceIsHigh: false), count: part.count)
            part.withUnsafeBufferPointer { part in
                hashes.withUnsafeMutableBufferPointer { hashes in
                    guard let start = hashes.baseAddress else { return }
                    hashing(part, start)
                    engine.observe(part, hashes: UnsafePointer(start), upTo: part.last?.time ?? 0)
                }
            }
        }
        engine.finish()
        let findings = engine.takeFindings()
        #expect(findings.count == 2)
        #expect(findings.map(\.id) == story.findings().map(\.id))
        #expect(findings.map(\.reset?.sender) == story.findings().map(\.reset?.sender))
        #expect(findings.map(\.confidence) == story.findings().map(\.confidence))
    }

    @Test("Large tables begin empty, too")
    func largeTable() {
        let table = FlowTable(capacity: 1 << 14, seed: 1)
        let key = FlowKey(lowHigh: 0, lowLow: 0, highHigh: 0, highLow: 0, ports: 0)
        #expect(table.find(key) == nil)
        #expect(table.count == 0)
    }

    @Test("A fingerprint names four TTLs and counts the rest")
    func fingerprint() {
        var fingerprint = TTLFingerprint()
        #expect(fingerprint.isEmpty)
        for ttl in [61, 61, 60, 59, 58, 57, 56] as [UInt8] { fingerprint.add(ttl) }
        #expect(fingerprint.samples == 7)
        #expect(fingerprint.others == 2)
        #expect(fingerprint.values.map(\.ttl) == [61, 60, 59, 58])
        #expect(!fingerprint.isConstant)
        for _ in 0..<200_000 { fingerprint.add(61) }
        #expect(fingerprint.values.first?.ttl == 61)
        #expect(fingerprint.values.count == 4)
    }

    @Test("Inside and outside by prefix")
    func scope() throws {
        let inside = InsidePrefixes.standard
        let local = try #require(IPAddress("192.168.1.1"))
        let remote = try #require(IPAddress("192.0.2.1"))
        let unique = try #require(IPAddress("fd00::1"))
        #expect(inside.scope(local, unique) == .inside)
        #expect(inside.scope(local, remote) == .outside)
        #expect(inside.scope(remote, remote) == .transit)
        #expect(IPPrefix("10.0.0.0/33") == nil)
        #expect(IPPrefix("10.0.0.0") == nil)
        #expect(IPPrefix("::/0")?.contains(remote) == true)
    }
}
