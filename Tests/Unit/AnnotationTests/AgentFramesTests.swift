// SPDX-License-Identifier: Apache-2.0
import Annotation
import CPacket
import Diagnosis
import Fixtures
import Packets
import Reporting
import Testing

/// The findings of an agent as a capture.
@Suite("Frames of an agent's findings")
struct AgentFramesTests {
    @Test("The packets behind a finding come once, the verdict each time it changes")
    func evidence() throws {
        let (finding, evidence) = try Self.told()
        var frames = AgentFrames(version: "1")
        let first = frames.header + frames.blocks(finding, evidence: evidence)
        let packets = try Blocks(first).all.filter { $0.type == 6 }
        #expect(packets.count == 10)
        #expect(packets.flatMap(\.comments).count == 1)
        #expect(packets.flatMap(\.comments).first?.hasPrefix("Reset by a device at hop 2") == true)
        var revised = finding
        revised.revision = 1
        let second = try Blocks(first + frames.blocks(revised, evidence: evidence)).all.filter { $0.type == 6 }
        #expect(second.count == packets.count + 1)
        #expect(second.last?.comments.first?.contains("revision 1") == true)
        // Both in one section, whose interface is described once.
        #expect(try Blocks(first).all.filter { $0.type == 1 }.count == 1)
    }

    @Test("A finding without kept packets is one frame of its own fields, and says so")
    func rebuilt() throws {
        let (finding, _) = try Self.told()
        for evidence in [nil, [], [1, 2, 3]] as [[UInt8]?] {
            var frames = AgentFrames(version: "1")
            let capture = frames.header + frames.blocks(finding, evidence: evidence)
            let packet = try #require(try Annotated.packets(capture).first)
            #expect(packet.ttl == 63 && packet.time == finding.time)
            #expect(String(decoding: capture, as: UTF8.self).contains("keeps no packet of this finding"))
        }
    }

    private static func told() throws -> (Finding, [UInt8]) {
        let sample = SampleCapture()
        let trace = PacketTrace()
        for number in 0..<4 as Range<UInt16> {
            let time = sample.frames[Int(number) * 2].time
            trace.add(Ethernet().ipv4(.client, .server).echo(reply: false, identifier: 7, sequence: number), time: time)
            trace.add(
                Ethernet().ipv4(.server, .client, ttl: 61).echo(reply: true, identifier: 7, sequence: number),
                time: time + SampleCapture.step)
        }
        let last = sample.frames[8].time
        trace.add(
            Ethernet().ipv4(.client, .server, ttl: 64).tcp(50992, 22, seq: 1000, ack: 0, flags: .syn, window: 500),
            time: last)
        trace.add(
            Ethernet().ipv4(.server, .client, ttl: 63, identification: 0).tcp(
                22, 50992, seq: 0, ack: 1001, flags: [.rst, .ack], window: 0), time: last + SampleCapture.step)
        var engine = Engine(options: Engine.Options())
        engine.begin(file: nil, isLive: false)
        trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: last + SampleCapture.step) }
        engine.finish()
        let finding = try #require(engine.takeFindings().first { $0.kind == .reset })
        let bytes = EvidenceFile.bytes(
            finding, packets: engine.evidencePackets(of: finding), interfaceNames: ["eth0"], version: "1")
        return (finding, try #require(bytes))
    }
}
