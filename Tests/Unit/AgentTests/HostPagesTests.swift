// SPDX-License-Identifier: Apache-2.0
import Agent
import CPacket
import Capture
import Diagnosis
import Fixtures
import FoundationEssentials
import Packets
import Synchronization
import Testing

@Suite struct HostPagesTests {
    private struct Page: Decodable {
        struct Host: Decodable {
            var address: String
            var last_seen: String
        }
        var items: [Host]
        var next: String?
    }

    /// Answers an agent's questions from an engine that saw as many hosts, all at the same time.
    private static func answer(_ state: AgentState, hosts: UInt32, until isDone: borrowing Atomic<Bool>) {
        var engine = Engine()
        let time: UInt64 = 1_700_000_000_000_000_000
        for number in 0..<hosts {
            var record = PacketRecord()
            let (from, to) = (IPAddress(v4: 0x0a01_0000 + number), IPAddress(v4: 0x0a04_0002))
            (record.src_high, record.src_low) = (from.high, from.low)
            (record.dst_high, record.dst_low) = (to.high, to.low)
            (record.src_port, record.dst_port) = (50_000, 22)
            record.flags = TCPFlags.syn.rawValue
            record.ttl = 64
            record.class = PacketClass.handshake.rawValue
            withUnsafePointer(to: ObservedPacket(record: record, time: time, frame: 0, headers: nil)) { packet in
                engine.observe(UnsafeBufferPointer(start: packet, count: 1), upTo: time)
            }
        }
        while !isDone.load(ordering: .acquiring) { state.engineRequests.answer(&engine) }
    }

    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    @Test func hostsOfTheSameTimeAreAllOnOnePage() async throws {
        try await TestServer.run { server async throws in
            let isDone = Flag()
            let answering = Task {
                try await BlockingThread.run(named: "engine") {
                    Self.answer(server.state, hosts: 25, until: isDone.value)
                }
            }
            var seen: [String] = []
            var path: String? = "/api/v1/hosts?limit=10"
            var pages = 0
            while let wanted = path, pages < 10 {
                let body = try await server.get(wanted).body
                let page = try JSONDecoder().decode(Page.self, from: Data(body.utf8))
                seen += page.items.map(\.address)
                pages += 1
                path = page.next.map { "/api/v1/hosts?limit=10&before=\($0)" }
            }
            #expect(pages == 3)
            #expect(seen.filter { $0.hasPrefix("10.1.0.") }.count == 25)
            #expect(Set(seen).count == seen.count)
            // A time alone leaves out what was seen at that time.
            let earlier = try await server.get("/api/v1/hosts?before=2023-11-14T22:13:20Z")
            #expect(earlier.status == 200)
            #expect(!earlier.body.contains("10.1.0."))
            let origins = try await server.get("/api/v1/origins?limit=5")
            #expect(origins.body == "{\"items\":[]}\n")
            isDone.value.store(true, ordering: .releasing)
            try await answering.value
        }
    }
}
