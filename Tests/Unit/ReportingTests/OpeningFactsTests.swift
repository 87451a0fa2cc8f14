// SPDX-License-Identifier: Apache-2.0
import CPacket
import Packets
import Reporting
import Testing

@Suite("Captures without any connection")
struct OpeningFactsTests {
    private func packet(_ flags: TCPFlags, from source: UInt64, port: UInt16, to destination: UInt64) -> ObservedPacket
    {
        var packet = ObservedPacket()
        packet.record.src_low = 0xffff_0000_0000 | source
        packet.record.dst_low = 0xffff_0000_0000 | destination
        packet.record.src_port = port
        packet.record.dst_port = 22
        packet.record.flags = flags.rawValue
        packet.record.layers = TransportProtocol.tcp.rawValue << UInt8(PACKET_LAYERS_PROTOCOL_SHIFT)
        return packet
    }

    private func text(_ packets: [ObservedPacket]) -> String? {
        var facts = OpeningFacts()
        packets.withUnsafeBufferPointer { facts.add($0) }
        return facts.text
    }

    @Test("SYNs alone, and SYN-ACKs alone, are told with their number")
    func alone() {
        let syns = [packet(.syn, from: 1, port: 5, to: 2), packet(.syn, from: 1, port: 5, to: 2)]
        #expect(text(syns)?.hasPrefix("1 connection opened by a SYN") == true)
        #expect(text([packet([.syn, .ack], from: 2, port: 22, to: 1)])?.contains("SYN-ACK") == true)
    }

    @Test("Where anything else is seen nothing is said")
    func more() {
        let syn = packet(.syn, from: 1, port: 5, to: 2)
        #expect(text([]) == nil)
        #expect(text([syn, packet([.syn, .ack], from: 2, port: 22, to: 1)]) == nil)
        #expect(text([syn, packet(.ack, from: 1, port: 5, to: 2)]) == nil)
        #expect(text([syn, packet([.rst, .ack], from: 2, port: 22, to: 1)]) == nil)
    }

    @Test("conntrack's state is told of connections that findings are about")
    func tracking() {
        let tuple = packet(.syn, from: 1, port: 5, to: 2).record.fiveTuple
        var facts = TrackingFacts()
        facts.add([tuple: TrackedConnection(original: tuple, reply: tuple.reversed, state: "CLOSE", isReplied: true)])
        #expect(facts.text.isEmpty)
        facts.note(tuple.reversed)
        #expect(facts.text.contains("in CLOSE"))
        #expect(facts.text.contains("saw a reset"))
    }
}
