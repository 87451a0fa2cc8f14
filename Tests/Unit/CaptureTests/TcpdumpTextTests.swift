// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Capture

@Suite("tcpdump text: the styles of a line")
struct TcpdumpTextTests {
    @Test("A bare ACK that opens a connection has the number behind its SYN, where no SYN-ACK comes past")
    func oneWayHandshake() throws {
        let (packets, _) = parseText(
            """
            IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60)
                10.1.0.1.40352 > 10.4.0.2.22: Flags [S], cksum 0x1 (correct), seq 1000657776, win 64240, length 0
            IP (tos 0x0, ttl 64, id 2, offset 0, flags [DF], proto TCP (6), length 52)
                10.1.0.1.40352 > 10.4.0.2.22: Flags [.], cksum 0x1 (correct), ack 355540907, win 63, length 0
            IP (tos 0x0, ttl 64, id 3, offset 0, flags [DF], proto TCP (6), length 70)
                10.1.0.1.40352 > 10.4.0.2.22: Flags [P.], cksum 0x1 (correct), seq 0:18, ack 1, win 63, length 18
            """)
        try #require(packets.count == 3)
        #expect(packets.map(\.record.seq) == [1_000_657_776, 1_000_657_777, 1_000_657_777])
        #expect(packets[2].record.ack == 355_540_907)
    }

    @Test("one line, tcpdump 3.9: flags without brackets, no timestamps")
    func oldestStyle() throws {
        let (packets, parser) = parseText(
            """
            IP (tos 0x0, ttl 128, id 7, offset 0, flags [DF], proto: TCP (6), length: 52, bad cksum 0 (->283e)!) \
            10.1.0.1.49169 > 10.4.0.2.22: S, cksum 0xc978 (incorrect (-> 0x6b25), 4000000000:4000000000(0) win 8192 \
            <mss 1460,nop,wscale 8,nop,nop,sackOK>
            IP (tos 0x10, ttl  63, id 0, offset 0, flags [none], proto: TCP (6), length: 40) 10.4.0.2.22 > \
            10.1.0.1.49169: R, cksum 0xcbe4 (correct), 0:0(0) ack 4000000001 win 0
            IP (tos 0x0, ttl  63, id 0, offset 0, flags [DF], proto: TCP (6), length: 40) 10.4.0.2.22 > \
            10.1.0.1.49169: R, cksum 0xcbe4 (correct), 0:0(0) ack 1 win 0
            IP (tos 0x0, ttl  61, id 48987, offset 0, flags [none], proto: ICMP (1), length: 60) 10.4.0.2 > 10.1.0.1: \
            ICMP echo reply, id 513, seq 1238, length 40
            """)
        try #require(packets.count == 4)
        #expect(parser.hasTime == false)
        #expect(packets.map(\.frame) == [1, 2, 3, 4])
        #expect(packets.allSatisfy { $0.time == 0 })

        let syn = packets[0].record
        #expect(syn.source.description == "10.1.0.1")
        #expect(syn.destination.description == "10.4.0.2")
        #expect(syn.src_port == 49169)
        #expect(syn.dst_port == 22)
        #expect(syn.ttl == 128)
        #expect(syn.identification == 7)
        #expect(syn.dontFragment)
        #expect(syn.tcpFlags == .syn)
        #expect(syn.seq == 4_000_000_000)
        #expect(syn.window == 8192)
        #expect(syn.packetClass == .handshake)

        let reset = packets[1].record
        #expect(reset.tcpFlags == [.rst, .ack])
        #expect(reset.ttl == 63)
        #expect(reset.tos == 0x10)
        #expect(!reset.dontFragment)
        #expect(reset.seq == 0)
        #expect(reset.ack == 4_000_000_001)
        #expect(reset.packetClass == .reset)
        #expect(packets[2].record.ack == 4_000_000_001, "a relative number is made absolute")

        let reply = packets[3].record
        #expect(reply.transport == .icmp)
        #expect(reply.icmpType == 0)
        #expect(reply.src_port == 513)
        #expect(reply.dst_port == 513)
        #expect(reply.seq == 1238)
        #expect(reply.ttl == 61)
        #expect(reply.packetClass == .handshake)
        #expect(parser.counts.notUnderstood == 0)
    }

    @Test("a text that is not tcpdump's gives no packet")
    func notTcpdump() {
        let (packets, parser) = parseText("The quick brown fox\nIPA is a beer\n\n127.0.0.1 localhost\n")
        #expect(packets.isEmpty)
        #expect(parser.counts.packets == 0)
    }

    @Test(
        "the published text of case 1",
        .enabled(if: TextCaptures.exists("ssh-refused.txt"), "needs RSTWHO_CAPTURES or ../shared/captures"))
    func published() throws {
        var text = try PacketText(path: TextCaptures.path("ssh-refused.txt"))
        var records: [PacketRecord] = []
        try text.read { batch in records += batch.packets.map(\.record) }
        #expect(records.count == 14)
        let resets = records.filter { $0.packetClass == .reset }
        #expect(resets.count == 3)
        #expect(resets.allSatisfy { $0.ttl == 63 && $0.src_port == 22 && $0.ack == 2_098_519_389 })
        #expect(Set(records.filter { $0.icmpType == 0 && $0.transport == .icmp }.map(\.ttl)) == [61])
        #expect(text.counts.notUnderstood == 0)
        #expect(text.counts.ignoredLines == 0)
    }

    /// The text of `count` resets, whose acknowledgement numbers are counted.
    private static func resets(_ count: Int) -> [UInt8] {
        let lines = (0..<count).map {
            """
            IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40)
                10.4.0.2.22 > 10.1.0.1.\(40000 + $0): Flags [R.], cksum 0xcbe4 (correct), seq 0, ack \($0), win 0, length 0

            """
        }
        return Array(lines.joined().utf8)
    }

    @Test(
        "compressed and cut: what came before is delivered, then the damage is told", arguments: Compression.allCases,
        [1, 2, 3000])
    func compressedAndCut(compress: Compression, count: Int) throws {
        let compressed = compress(Self.resets(count))
        for cut in [0, 4] {
            let file = try TemporaryFile(Array(compressed.dropLast(cut)))
            var ports: [UInt16] = []
            var failure: CaptureError?
            do {
                var text = PacketText(try CaptureFile.open(.path(file.path)))
                try text.read { batch in ports += batch.packets.map(\.record.dst_port) }
            } catch let error as CaptureError {
                failure = error
            }
            #expect(failure?.code == (cut == 0 ? nil : .badInput))
            // gzip ends with eight bytes of check; what the last zstd block holds is lost with a part of it.
            if cut == 0 || compress == .gzip {
                #expect(ports.count == count)
            } else {
                #expect(count < 3000 || ports.count > 500)
            }
            #expect(ports == (0..<UInt16(ports.count)).map { 40000 + $0 })
        }
    }

    @Test("a file that is not there, and one that is something else")
    func badInput() throws {
        #expect {
            _ = try PacketText(path: "/nonexistent/text")
        } throws: { error in
            guard let error = error as? CaptureError, case .notFound = error.code else { return false }
            return true
        }
        #expect {
            var text = try PacketText(path: #filePath.replacing("TextTests", with: "TextSamples"))
            try text.read { _ in }
        } throws: { error in
            guard let error = error as? CaptureError, case .badInput = error.code else { return false }
            return error.problem.contains("SPDX-License-Identifier")
        }
    }
}
