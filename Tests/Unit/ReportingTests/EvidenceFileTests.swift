// SPDX-License-Identifier: Apache-2.0
import CPacket
import Capture
import Diagnosis
import Fixtures
import Foundation
import Packets
import Reporting
import Testing

/// Findings exported as pcapng and read back, by ourselves and by Wireshark's tools.
@Suite("Evidence file")
struct EvidenceFileTests {
    @Test("the founding case: reset, trigger and samples, and whoever reads the file comes to the same verdict")
    func foundingCase() throws {
        let told = try #require(try Told(pings: 4, resetTTL: 63))
        #expect(told.finding.reset?.sender == .middlebox)
        #expect(told.packets.map(\.role).filter { $0 == .reset }.count == 1)
        #expect(told.packets.map(\.role).filter { $0 == .trigger }.count == 1)
        #expect(told.packets.map(\.role).filter { $0 == .sample }.count == 4)
        #expect(told.packets.map(\.role).filter { $0 == .request }.count == 4)
        let again = try #require(try readBack(told.bytes).findings.first)
        #expect(again.reset?.sender == .middlebox)
        #expect(again.reset?.hop == 2)
        #expect(again.time == told.finding.time)
        #expect(again.reset?.packetKey == told.finding.reset?.packetKey)
    }

    @Test("beside it: the host's own reset stays the host's")
    func ownReset() throws {
        let told = try #require(try Told(pings: 4, resetTTL: 61))
        #expect(told.finding.reset?.sender.isForeign == false)
        let again = try #require(try readBack(told.bytes).findings.first)
        #expect(again.reset?.sender == told.finding.reset?.sender)
    }

    @Test("without a baseline the file decides nothing either")
    func withoutBaseline() throws {
        let told = try #require(try Told(pings: 0, resetTTL: 63))
        #expect(told.finding.reset?.sender == .undetermined)
        #expect(try readBack(told.bytes).findings.first?.reset?.sender == .undetermined)
    }

    @Test("a data segment that drew the reset is rebuilt from its record, and says so")
    func rebuiltTrigger() throws {
        let told = try #require(try Told(pings: 2, resetTTL: 63, data: "GET / HTTP/1.1\r\n\r\n"))
        let trigger = try #require(told.packets.first { $0.role == .trigger })
        #expect(trigger.headers == nil)
        #expect(trigger.record.payload_length == 18)
        let back = try readBack(told.bytes)
        let segment = try #require(back.records.first { $0.payload_length == 18 })
        #expect(
            segment.seq == trigger.record.seq && segment.ack == trigger.record.ack && segment.ttl == trigger.record.ttl)
        #expect(back.findings.first?.reset?.sender == told.finding.reset?.sender)
        #expect(String(decoding: told.bytes, as: UTF8.self).contains("Rebuilt from the 64 bytes"))
    }

    @Test("nothing is exported where nothing is kept")
    func switchedOff() throws {
        #expect(try Told(pings: 4, resetTTL: 63, evidenceBytes: 0) == nil)
    }

    @Test("times are kept to the ns, and payload is not: lengths are the frames' own")
    func lengths() throws {
        let told = try #require(try Told(pings: 1, resetTTL: 63, data: String(repeating: "x", count: 700)))
        let back = try readBack(told.bytes)
        #expect(back.times == told.packets.map(\.time))
        #expect(back.records.map(\.payload_length).max() == 700)
        #expect(told.bytes.count < 64 * 1024)
        #expect(!told.bytes.contains(Array(repeating: UInt8(ascii: "x"), count: 16)))
    }

    @Test("what a name smuggles into a comment is no control character")
    func comments() throws {
        var finding = try sampleFinding()
        finding.vantage = Finding.Vantage(host: "fw\u{1b}[31m1", interface: "eth\u{0}0")
        let record = PacketRecord()
        let packets = [EvidencePacket(record: record, time: 1, frame: 0, headers: nil, role: .connection)]
        let bytes = try #require(
            EvidenceFile.bytes(finding, packets: packets, interfaceNames: ["e\u{7}th0"], version: "1"))
        #expect(!bytes.contains(0x1b))
        #expect(!bytes.contains(7 as UInt8))
        #expect(try readBack(bytes).records.count == 1)
    }

    @Test(
        "Wireshark's tools open it without a word, with all packets and comments",
        .enabled(if: Tool.areHere, "tshark and capinfos are not installed"))
    func wireshark() throws {
        let told = try #require(try Told(pings: 4, resetTTL: 63, data: "hello"))
        let file = FileManager.default.temporaryDirectory.appending(path: "rstwho-\(UUID().uuidString).pcapng")
        try Data(told.bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let info = try Tool.run("capinfos", ["-c", "-t", file.path])
        #expect(info.errors.isEmpty)
        #expect(info.output.contains("pcapng"))
        #expect(info.output.contains("Number of packets:   \(told.packets.count)"))
        let comments = try Tool.run(
            "tshark", ["-n", "-r", file.path, "-T", "fields", "-e", "frame.comment", "-e", "_ws.malformed"])
        // Running as root is what tshark warns of, not the file.
        #expect(
            comments.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("Running as user") }, "\(comments.errors)")
        let lines = comments.output.split(separator: "\n")
        #expect(lines.count == told.packets.count)
        #expect(lines.filter { $0.contains("The reset. A device at hop 2") }.count == 1)
        #expect(lines.allSatisfy { !$0.contains("Malformed") })
        let resets = try Tool.run("tshark", ["-n", "-r", file.path, "-Y", "tcp.flags.reset==1 && ip.ttl==63"])
        #expect(resets.output.split(separator: "\n").count == 1)
        let wrong = try Tool.run(
            "tshark", ["-n", "-r", file.path, "-o", "ip.check_checksum:TRUE", "-Y", "ip.checksum.status==0"])
        #expect(wrong.output.isEmpty)
    }

    // MARK: Making and reading

    /// A connection that a reset ends, judged, with its evidence.
    private struct Told {
        var finding: Finding
        var packets: [EvidencePacket]
        var bytes: [UInt8]

        /// `nil` where there is no evidence to export.
        init?(pings: Int, resetTTL: UInt8, data: String? = nil, evidenceBytes: Int = 1 << 20) throws {
            let trace = PacketTrace()
            var time: UInt64 = 1_767_225_600_000_000_001
            func add(_ frame: FrameBuilder) {
                time += 1_000_003
                trace.add(frame, time: time)
            }
            for number in 0..<UInt16(pings) {
                add(Ethernet().ipv4(.client, .server).echo(reply: false, identifier: 7, sequence: number))
                add(Ethernet().ipv4(.server, .client, ttl: 61).echo(reply: true, identifier: 7, sequence: number))
            }
            func client(_ flags: TCPFlags, seq: UInt32, ack: UInt32 = 0, payload: String = "") {
                add(
                    Ethernet().ipv4(.client, .server, ttl: 64).tcp(
                        50992, 22, seq: seq, ack: ack, flags: flags, window: 500
                    ).payload(payload))
            }
            func server(_ flags: TCPFlags, seq: UInt32, ack: UInt32, ttl: UInt8, window: UInt16) {
                add(
                    Ethernet().ipv4(.server, .client, ttl: ttl, identification: 0).tcp(
                        22, 50992, seq: seq, ack: ack, flags: flags, window: window))
            }
            client(.syn, seq: 1000)
            if let data {
                server([.syn, .ack], seq: 9000, ack: 1001, ttl: 61, window: 500)
                client(.ack, seq: 1001, ack: 9001)
                client([.ack, .psh], seq: 1001, ack: 9001, payload: data)
                server(.rst, seq: 9001, ack: 0, ttl: resetTTL, window: 0)
            } else {
                server([.rst, .ack], seq: 0, ack: 1001, ttl: resetTTL, window: 0)
            }
            var options = Engine.Options()
            options.evidenceBytes = evidenceBytes
            var engine = Engine(options: options)
            engine.begin(file: nil, isLive: false)
            trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: time) }
            engine.finish()
            finding = try #require(engine.takeFindings().first { $0.kind == .reset })
            packets = engine.evidencePackets(of: finding)
            guard let bytes = EvidenceFile.bytes(finding, packets: packets, interfaceNames: ["eth0"], version: "1")
            else {
                return nil
            }
            self.bytes = bytes
        }
    }

    private func readBack(_ bytes: [UInt8]) throws -> (findings: [Finding], records: [PacketRecord], times: [UInt64]) {
        let file = FileManager.default.temporaryDirectory.appending(path: "rstwho-\(UUID().uuidString).pcapng")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var engine = Engine()
        engine.begin(file: nil, isLive: false)
        var records: [PacketRecord] = []
        var times: [UInt64] = []
        var capture = try CaptureFile.open(.path(file.path))
        try capture.read { batch in
            for packet in batch.packets {
                records.append(packet.record)
                times.append(packet.time)
            }
            engine.observe(batch.packets, upTo: batch.watermark)
        }
        engine.finish()
        return (engine.takeFindings().filter { $0.kind == .reset }, records, times)
    }
}

/// Wireshark's command-line tools.
private enum Tool {
    static let areHere = ["tshark", "capinfos"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
    }

    static func run(_ name: String, _ arguments: [String]) throws -> (output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/\(name)")
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let problems = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (String(decoding: text, as: UTF8.self), String(decoding: problems, as: UTF8.self))
    }
}

extension [UInt8] {
    fileprivate func contains(_ part: [UInt8]) -> Bool {
        guard count >= part.count else { return false }
        return indices.dropLast(part.count - 1).contains { self[$0..<$0 + part.count].elementsEqual(part) }
    }
}
