// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@Suite("FrameBuilder")
struct FrameBuilderTests {
    /// The sum of RFC 1071 over a header that holds its checksum is all ones.
    private func sum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var total: UInt32 = 0
        for (index, byte) in bytes.enumerated() {
            total += UInt32(byte) << (index.isMultiple(of: 2) ? 8 : 0)
        }
        while total > 0xffff { total = total & 0xffff + total >> 16 }
        return total
    }

    @Test("lengths and checksums follow from the layers")
    func lengthsAndChecksums() {
        let frame = Ethernet().vlan(100).ipv4(ttl: 63, options: [1, 1, 1]).tcp(flags: [.rst, .ack]).payload("why")
        let bytes = frame.bytes
        #expect(bytes.count == 14 + 4 + 24 + 20 + 3)
        #expect(Array(bytes[12..<20]) == [0x81, 0x00, 0, 100, 0x08, 0x00, 0x46, 0])
        #expect(Array(bytes[20..<22]) == [0, 47])
        #expect(sum(bytes[18..<42]) == 0xffff)
        let pseudoHeader = Array(bytes[30..<38]) + [0, 6, 0, 23]
        #expect(sum(Array(bytes[42...]) + [0] + pseudoHeader) == 0xffff)
    }

    @Test("a set length is a lie that stays")
    func lies() {
        let bytes = FrameBuilder.bareIP.ipv4(ihl: 4, totalLength: 7).tcp(flags: .rst, dataOffset: 3).bytes
        #expect(bytes[0] == 0x44)
        #expect(Array(bytes[2..<4]) == [0, 7])
        #expect(bytes[32] == 0x30)
    }

    @Test("a trace keeps what the parser gives, and counts what it refuses")
    func trace() throws {
        let trace = PacketTrace()
        #expect(trace.add(Ethernet().ipv4(ttl: 63).tcp(22, 50992, ack: 7, flags: [.rst, .ack]), time: 5_000))
        #expect(!trace.add(Ethernet(ethertype: 0x0806).payload([0, 1]), time: 6_000))
        #expect(trace.add(Ethernet().ipv4().tcp(flags: .ack), time: 7_000, interface: 3))
        #expect(trace.refusals == [PACKET_REFUSED_NOT_IP])
        #expect(trace.packets.map(\.frame) == [1, 3])
        let reset = try #require(trace.packets.first)
        #expect(reset.record.ttl == 63)
        #expect(reset.record.fiveTuple.source == .server)
        #expect(reset.record.packetClass == .reset)
        #expect(reset.headers?.pointee.length == 54)
        #expect(trace.packets.last?.headers == nil)
        #expect(trace.packets.last?.record.interfaceSlot == 3)
    }
}
