// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Fleet
import Packets
import Testing

@testable import Agent

@Suite("Sampled packets")
struct SightingSamplerTests {
    private static let key = FlowHashKey(ends: 7, flow: 9)

    /// The packets of so many connections: SYN, SYN-ACK, ACK, data, RST.
    private static func connections(_ count: UInt16) -> PacketTrace {
        let trace = PacketTrace()
        for number in 0..<count {
            let (port, start) = (1024 + number, UInt64(number) * 1000)
            func client(_ flags: TCPFlags, _ seq: UInt32, _ ack: UInt32, _ payload: String = "") -> FrameBuilder {
                Ethernet().ipv4(.client, .server).tcp(port, 443, seq: seq, ack: ack, flags: flags).payload(payload)
            }
            func server(_ flags: TCPFlags, _ seq: UInt32, _ ack: UInt32) -> FrameBuilder {
                Ethernet().ipv4(.server, .client, ttl: 61).tcp(443, port, seq: seq, ack: ack, flags: flags)
            }
            trace.add(client(.syn, 100, 0), time: start + 1)
            trace.add(server([.syn, .ack], 900, 101), time: start + 2)
            trace.add(client(.ack, 101, 901), time: start + 3)
            trace.add(client(.ack, 101, 901), time: start + 4)
            trace.add(client([.psh, .ack], 101, 901, "x"), time: start + 5)
            trace.add(server([.rst, .ack], 901, 102), time: start + 6)
        }
        return trace
    }

    private static func pick(_ trace: PacketTrace, share: Double) -> [SeenPacket] {
        var sampler = SightingSampler(key: key)
        return trace.packets.withUnsafeBufferPointer { sampler.pick($0, share: share) }
    }

    @Test("All flows: the handshake, its last acknowledgement once, and the reset")
    func all() {
        let picked = Self.pick(Self.connections(1), share: 1)
        #expect(picked.map(\.packet) == [.syn, .synACK, .ack, .reset])
        #expect(picked.map(\.clientISN) == [100, 100, 100, 0])
        #expect(picked.map(\.isFromClient) == [true, false, true, false])
    }

    @Test("A smaller share picks some of the flows of a larger one, whole, and about as many as it says")
    func nested() {
        let trace = Self.connections(2000)
        func flows(_ share: Double) -> Set<UInt16> {
            Set(Self.pick(trace, share: share).map { max($0.record.src_port, $0.record.dst_port) })
        }
        let (tenth, half) = (flows(0.1), flows(0.5))
        #expect(tenth.isSubset(of: half))
        #expect((120...280).contains(tenth.count))
        #expect((900...1100).contains(half.count))
        #expect(Self.pick(trace, share: 0.1).filter { $0.packet == .synACK }.count == tenth.count)
        #expect(Self.pick(trace, share: 0).isEmpty)
    }
}
