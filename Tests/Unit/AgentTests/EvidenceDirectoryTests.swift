// SPDX-License-Identifier: Apache-2.0
import CPacket
import Diagnosis
import Fixtures
import Foundation
import Packets
import Testing

@testable import Agent

@Suite("Evidence directory")
struct EvidenceDirectoryTests {
    private static func inScratch(_ test: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "rstwho-evidence-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try test(path)
    }

    private static func id(_ number: Int, time: String = "01J0000000") -> String {
        time + String(repeating: "0", count: 12) + String(1000 + number)
    }

    @Test("the newest files stay, the oldest give way, what is not ours is left alone")
    func bounded() throws {
        try Self.inScratch { path in
            let directory = try EvidenceDirectory(path, limit: 3)
            try Data("mine".utf8).write(to: URL(filePath: path + "/notes.pcapng"))
            for number in 0..<5 { try directory.write([UInt8(number)], id: Self.id(number)) }
            #expect(directory.count == 3)
            #expect(directory.read(Self.id(1)) == nil)
            #expect(directory.read(Self.id(4)) == [4])
            try directory.write([9, 9], id: Self.id(4))
            #expect(directory.count == 3)
            #expect(directory.read(Self.id(4)) == [9, 9])
            let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            #expect(names == [2, 3, 4].map { Self.id($0) + ".pcapng" } + ["notes.pcapng"])
            // Whoever starts again finds them, and holds them to its own limit.
            let again = try EvidenceDirectory(path, limit: 2)
            #expect(again.count == 3)
            try again.write([5], id: Self.id(5))
            #expect(again.count == 2)
        }
    }

    @Test("a file goes when its finding is too old, however few there are; where no age is given it stays")
    func age() throws {
        try Self.inScratch { path in
            // The first ten characters are ms in digits of five bits: 1 << 40 of them, and 32 ms more.
            let time: UInt64 = 1 << 40
            let directory = try EvidenceDirectory(path, maximumAge: 60)
            try directory.write([1], id: Self.id(1, time: "0100000000"))
            try directory.write([2], id: Self.id(2, time: "0100000010"))
            directory.prune(now: (time + 60_000) * 1_000_000)
            #expect(directory.count == 2)
            directory.prune(now: (time + 60_032) * 1_000_000)
            #expect(directory.read(Self.id(1, time: "0100000000")) == nil)
            #expect(directory.read(Self.id(2, time: "0100000010")) == [2])
            // A clock that is wrong by that much removes nothing.
            directory.prune(now: 0)
            try EvidenceDirectory(path).prune(now: .max)
            #expect(directory.count == 1)
            directory.prune(now: (time + 60_033) * 1_000_000)
            #expect(directory.count == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        }
    }

    @Test("an agent removes what is too old although nothing new is found")
    func ageWithoutFindings() throws {
        try Self.inScratch { path in
            let old = try EvidenceDirectory(path)
            try old.write([1], id: Self.id(1, time: "0100000000"))
            let directory = try EvidenceDirectory(path, maximumAge: 60)
            let writer = EvidenceWriter(directory) { Issue.record("\($0)") }
            writer.start()
            writer.finish(seconds: 10)
            #expect(directory.count == 0)
        }
    }

    @Test("what is forgotten is found in a file's packets, not only in its sentences")
    func forgetting() throws {
        try Self.inScratch { path in
            let directory = try EvidenceDirectory(path)
            var builder = PcapngBuilder()
            builder.section()
            builder.interface()
            let (host, peer) = (IPAddress(v4: 0x0a04_0002), IPAddress(v4: 0x0a09_0909))
            builder.enhanced(Ethernet().ipv4(host, peer).tcp(flags: [.syn, .ack]).bytes)
            try directory.write(builder.bytes, id: Self.id(1))
            #expect(directory.forget(try #require(IPPrefix("10.8.0.0/16")), []) == 0)
            #expect(directory.forget(try #require(IPPrefix("10.9.0.0/16")), []) == 1)
            #expect(directory.count == 0)
        }
    }

    @Test(
        "an id is 26 letters and digits and leads nowhere else",
        arguments: [
            "../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpass", "", "01J", "01j00000000000000000000000",
            "01J0000000000000000000000/", "01J000000000000000000000.",
        ])
    func ids(text: String) throws {
        #expect(!EvidenceDirectory.isID(text))
        #expect(EvidenceDirectory.isID(Self.id(1)))
        try Self.inScratch { path in
            let directory = try EvidenceDirectory(path)
            #expect(directory.read(text) == nil)
            #expect(throws: EvidenceDirectory.Failure.self) { try directory.write([1], id: text) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        }
    }

    @Test("a directory that cannot be is named")
    func failure() {
        #expect(throws: EvidenceDirectory.Failure.self) { try EvidenceDirectory("/proc/nothing/evidence") }
    }

    @Test("problems are written, what a host itself reset is not; repeats are written once")
    func writer() throws {
        try Self.inScratch { path in
            let directory = try EvidenceDirectory(path)
            let writer = EvidenceWriter(directory) { Issue.record("\($0)") }
            writer.start()
            var engine = Engine()
            let found = Self.refuse(ttl: 63, times: 3, to: &engine)
            #expect(found.map(\.reset?.sender) == [.middlebox, .middlebox, .middlebox])
            writer.offer(found, engine)
            var ownEngine = Engine()
            let own = Self.refuse(ttl: 61, times: 1, to: &ownEngine)
            #expect(own.first?.reset?.sender.isForeign == false)
            writer.offer(own, ownEngine)
            writer.finish(seconds: 10)
            #expect(directory.count == 1)
            let first = try #require(found.first)
            #expect(directory.read(first.id)?.starts(with: [0x0a, 0x0d, 0x0d, 0x0a]) == true)
        }
    }

    @Test("the API serves what is kept and what the engine still has, and nothing else")
    func api() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "rstwho-evidence-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let directory = try EvidenceDirectory(path)
        try directory.write(Array("\n\r\r\nkept".utf8), id: Self.id(1))
        try await TestServer.run(evidence: directory) { server async throws in
            let kept = try await server.get("/api/v1/evidence/\(Self.id(1)).pcapng")
            #expect(kept.status == 200)
            #expect(kept.head.contains("Content-Type: application/x-pcapng"))
            #expect(kept.head.contains("filename=\"rstwho-\(Self.id(1)).pcapng\""))
            #expect(kept.body.hasSuffix("kept"))
            for name in [
                Self.id(2) + ".pcapng", Self.id(1), "..%2f..%2fetc%2fpasswd.pcapng", "../../../etc/passwd", "",
            ] {
                #expect(try await server.get("/api/v1/evidence/\(name)").status == 404, "\(name)")
            }
            #expect(try await server.get("/api/v1/evidence/\(Self.id(1)).pcapng?x=1").status == 400)
        }
    }

    /// A host at hop 4 by four echo replies, and connects that are refused with that TTL.
    private static func refuse(ttl: UInt8, times: Int, to engine: inout Engine) -> [Finding] {
        engine.begin(file: nil, isLive: false)
        let (client, server) = (IPAddress(v4: 0x0a01_0001), IPAddress(v4: 0x0a04_0002))
        var packets: [ObservedPacket] = []
        func add(_ isFromServer: Bool, _ packetClass: PacketClass, ttl: UInt8, _ change: (inout PacketRecord) -> Void) {
            var record = PacketRecord()
            let (source, destination) = isFromServer ? (server, client) : (client, server)
            (record.src_high, record.src_low, record.dst_high, record.dst_low) = (
                source.high, source.low, destination.high, destination.low
            )
            record.ttl = ttl
            record.class = packetClass.rawValue
            change(&record)
            let time = 1_767_225_600_000_000_000 + UInt64(packets.count) * 1_000_000
            record.time = UInt32(truncatingIfNeeded: time >> 10)
            packets.append(ObservedPacket(record: record, time: time, frame: 0, headers: nil))
        }
        let icmp = TransportProtocol.icmp.rawValue << UInt8(PACKET_LAYERS_PROTOCOL_SHIFT)
        for number in 0..<UInt32(4) {
            for isReply in [false, true] {
                add(isReply, .handshake, ttl: isReply ? 61 : 64) { record in
                    record.layers = icmp
                    record.window = isReply ? 0 : 8 << 8
                    (record.src_port, record.dst_port, record.seq) = (7, 7, number)
                }
            }
        }
        for number in 0..<UInt16(times) {
            add(false, .handshake, ttl: 64) { record in
                (record.src_port, record.dst_port, record.seq) = (50_000 + number, 22, 100)
                record.flags = TCPFlags.syn.rawValue
            }
            add(true, .reset, ttl: ttl) { record in
                (record.src_port, record.dst_port, record.ack) = (22, 50_000 + number, 101)
                record.flags = TCPFlags.rst.union(.ack).rawValue
            }
        }
        packets.withUnsafeBufferPointer { engine.observe($0, upTo: $0.last?.time ?? 0) }
        engine.finish()
        return engine.takeFindings().filter { $0.kind == .reset }
    }
}
