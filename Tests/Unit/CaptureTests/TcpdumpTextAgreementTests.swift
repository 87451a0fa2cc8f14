// SPDX-License-Identifier: Apache-2.0
import CPacket
import Foundation
import Packets
import Testing

@testable import Capture

/// Tests of tcpdump's text of a capture against the records of the capture itself.
@Suite(
    "tcpdump text: the same records as from the capture",
    .enabled(if: TcpdumpProgram.path != nil, "needs tcpdump"),
    .enabled(if: !TextCaptures.pcap.isEmpty, "needs RSTWHO_CAPTURES or ../shared/captures"))
struct TcpdumpTextAgreementTests {
    /// Captures whose connections begin with their handshake, so that relative numbers can be made absolute.
    static let complete = ["genuine-smb.pcap", "genuine-rtsp-sll.pcap", "server-evasion-equal-ttl.pcap"]

    /// Every form of timestamp, with and without link header, packet number and hex dump.
    static let forms: [[String]] = [
        ["-nv"], ["-nvv", "-t"], ["-nve", "-tt"], ["-nvv", "-e", "-ttt"], ["-nvvv", "-tttt"], ["-nv", "-ttttt"],
        ["-nvv", "-S", "-X"], ["-nvv", "-S", "-#", "-e"], ["-nvv", "-S", "-xx", "-tttt"],
    ]

    @Test("every packet, in every form", arguments: TextCaptures.pcap)
    func everyPacket(_ name: String) throws {
        let path = TextCaptures.path(name)
        let capture = try PrintedCapture(capture: path)
        for form in Self.forms {
            let text = try TcpdumpProgram.read(path, form)
            #expect(text.counts.notUnderstood == 0, "\(form): \(String(describing: text.problem))")
            #expect(text.counts.withoutTTL == 0, "\(form)")
            #expect(text.hasTime == !form.contains("-t"), "\(form)")
            let wrong = Self.disagreements(text, capture, form, name)
            #expect(wrong.isEmpty, "\(form): \(wrong.prefix(5))")
            #expect(Set(text.packets.keys) == Set(capture.packets.keys), "\(form)")
        }
    }

    /// The frames that differ, with the names of the fields.
    private static func disagreements(
        _ text: PrintedCapture, _ capture: PrintedCapture, _ form: [String], _ name: String
    ) -> [String] {
        var result: [String] = []
        for (frame, packet) in capture.packets.sorted(by: { $0.key < $1.key }) {
            guard let printed = text.packets[frame] else { continue }
            // tcpdump does not look into Teredo: the text's record is the outer packet's.
            if packet.record.tunnel == .teredo { continue }
            let isTCP = packet.record.transport == .tcp
            let isEcho = packet.record.transport == .icmp && packet.record.packetClass == .handshake
            let hasNumbers = form.contains("-S") || Self.complete.contains(name)
            var fields = printed.record.differences(from: packet.record, numbers: isEcho || isTCP && hasNumbers)
            // Tags are printed with -e only.
            if !form.joined().contains("e") { fields.removeAll { $0 == "domain" } }
            // Extension headers are printed without their lengths, and mostly stand before ICMPv6.
            if packet.record.transport == .icmpv6 { fields.removeAll { $0 == "payload" } }
            if !fields.isEmpty { result.append("\(frame): \(fields.joined(separator: " "))") }
        }
        return result
    }

    @Test("times: since 1970, of the day, since the first packet", arguments: TextCaptures.pcap)
    func times(_ name: String) throws {
        let path = TextCaptures.path(name)
        let capture = try PrintedCapture(capture: path)
        let first = try #require(capture.packets.min { $0.key < $1.key })
        let day: UInt64 = 86_400_000_000_000
        for form in [["-nv", "-tt"], ["-nv", "-tttt"], ["-nv"], ["-nv", "-ttttt"]] {
            let text = try TcpdumpProgram.read(path, form)
            let printedFirst = try #require(text.packets[first.key])
            var wrong: [UInt64] = []
            for (frame, packet) in capture.packets {
                guard let printed = text.packets[frame] else { continue }
                // Without a date, the days that pass without a packet cannot be seen.
                let origin = form.last == "-ttttt" ? first.value.time &- printedFirst.time : 0
                let isDated = form.last == "-tt" || form.last == "-tttt"
                let expected = isDated ? packet.time : (packet.time &- origin) % day
                let found = isDated ? printed.time : printed.time % day
                // Microseconds are printed of nanoseconds.
                let isClose = max(found, expected) - min(found, expected) <= 1000
                if !isClose { wrong.append(frame) }
            }
            #expect(wrong.isEmpty, "\(form): \(wrong.sorted().prefix(5))")
        }
    }

    @Test("without -v: the same records as with it, but for what is not printed")
    func withoutVerbose() throws {
        let capture = try PrintedCapture(capture: TextCaptures.path("genuine-smb.pcap"))
        let text = try TcpdumpProgram.read(TextCaptures.path("genuine-smb.pcap"), ["-n", "-tttt"])
        #expect(text.counts.withoutTTL == text.counts.records)
        #expect(text.packets.count == capture.packets.count)
        let unprinted: Set = ["ttl", "tos", "identification", "layers"]
        for (frame, packet) in capture.packets {
            let printed = try #require(text.packets[frame])
            let differences = printed.record.differences(from: packet.record, numbers: false)
            #expect(unprinted.isSuperset(of: differences), "frame \(frame)")
            #expect(abs(Int64(printed.record.time) - Int64(packet.record.time)) <= 1, "frame \(frame)")
        }
    }
}
