// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Capture

@Suite("Hex dumps")
struct HexDumpTests {
    static let ethernet = Ethernet().ipv4(ttl: 63, identification: 7).tcp(flags: [.rst, .ack]).bytes
    static let bare = FrameBuilder.bareIP.ipv4(ttl: 63, identification: 7).tcp(flags: [.rst, .ack]).bytes

    /// The way in which a program prints the lines of a dump.
    struct Style: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var line: @Sendable (_ offset: Int, _ bytes: ArraySlice<UInt8>) -> String
        var end: @Sendable (_ length: Int) -> String? = { _ in nil }
    }

    static func hex(_ value: Int, _ digits: Int, radix: Int = 16) -> String {
        let text = String(value, radix: radix)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    static func groups(_ bytes: ArraySlice<UInt8>, of size: Int, swapped: Bool = false) -> String {
        var groups: [String] = []
        var rest = bytes
        while !rest.isEmpty {
            let group = rest.prefix(size)
            groups.append((swapped ? group.reversed() : Array(group)).map { hex(Int($0), 2) }.joined())
            rest = rest.dropFirst(size)
        }
        return groups.joined(separator: " ")
    }

    static func letters(_ bytes: ArraySlice<UInt8>) -> String {
        String(bytes.map { (33...126).contains($0) ? Character(UnicodeScalar($0)) : "." })
    }

    static let styles: [Style] = [
        Style(testDescription: "tcpdump -x") { "\t0x\(hex($0, 4)):  \(groups($1, of: 2))" },
        Style(testDescription: "tcpdump -X") {
            let text = groups($1, of: 2)
            return "\t0x\(hex($0, 4)):  \(text)\(String(repeating: " ", count: 41 - text.count))\(letters($1))"
        },
        Style(testDescription: "tcpdump -X, blanks lost") {
            "0x\(hex($0, 4)): \(groups($1, of: 2)) \(letters($1))"
        },
        Style(testDescription: "FortiGate") { "0x\(hex($0, 4))\t \(groups($1, of: 2)) \t\(letters($1))" },
        Style(testDescription: "tshark -x") {
            let text = groups($1, of: 1)
            return "\(hex($0, 4))  \(text)\(String(repeating: " ", count: 50 - text.count))\(letters($1))"
        },
        Style(testDescription: "xxd") { "\(hex($0, 8)): \(groups($1, of: 2))  \(letters($1))" },
        Style(
            testDescription: "od -t x1", line: { "\(hex($0, 7, radix: 8)) \(groups($1, of: 1))" },
            end: { hex($0, 7, radix: 8) }),
        Style(
            testDescription: "od -x", line: { "\(hex($0, 7, radix: 8)) \(groups($1, of: 2, swapped: true))" },
            end: { hex($0, 7, radix: 8) }),
        Style(
            testDescription: "hexdump -C",
            line: { offset, bytes in
                "\(hex(offset, 8))  \(groups(bytes.prefix(8), of: 1))  \(groups(bytes.dropFirst(8), of: 1))  |.|"
            }, end: { hex($0, 8) }),
        Style(testDescription: "IOS") { "\(hex($0, 4)):  \(groups($1, of: 4).uppercased())   \(letters($1))" },
        Style(testDescription: "text2pcap") { "\(hex($0, 6)) \(groups($1, of: 1)) ........" },
    ]

    static func dump(_ bytes: [UInt8], _ style: Style) -> String {
        var lines: [String] = []
        for start in stride(from: 0, to: bytes.count, by: 16) {
            lines.append(style.line(start, bytes[start..<min(start + 16, bytes.count)]))
        }
        if let end = style.end(bytes.count) { lines.append(end) }
        return lines.joined(separator: "\n")
    }

    /// A packet's line as tcpdump prints it without -v.
    static func line(_ source: String, _ destination: String) -> String {
        "22:13:20.000001 IP \(source) > \(destination): Flags [R.], seq 0, ack 0, win 0, length 0"
    }

    @Test("Below a packet's line without a TTL, a dump in each style gives the whole packet", arguments: styles)
    func belowLine(style: Style) throws {
        for bytes in [Self.ethernet, Self.bare] {
            let expected = try #require(ParsedFrame(Self.ethernet).record)
            let line = Self.line(
                "\(expected.source).\(expected.src_port)", "\(expected.destination).\(expected.dst_port)")
            let (packets, _) = parseText(line + "\n" + Self.dump(bytes, style) + "\n" + line)
            let first = try #require(packets.first)
            #expect(first.record.ttl == 63)
            #expect(first.record.identification == 7)
            #expect(first.record.fiveTuple == expected.fiveTuple)
            #expect(first.time == 166_400_000_001_000)
            #expect(first.record.time == UInt32(truncatingIfNeeded: first.time >> 10))
        }
    }

    @Test("A dump of another packet than the text above it is passed over")
    func disagreement() throws {
        let (packets, _) = parseText(
            """
            22:13:20.000001 IP (tos 0x0, ttl 50, id 9, offset 0, flags [DF], proto TCP (6), length 40)
                192.0.2.1.40000 > 198.51.100.2.443: Flags [R.], cksum 0x1 (correct), seq 1, ack 1, win 0, length 0
            \(Self.dump(Self.ethernet, Self.styles[0]))
            """)
        #expect(packets.map(\.record.ttl) == [50])
        #expect(packets.map(\.record.src_port) == [40000])
    }

    @Test("Dumps alone are packets; the line above one tells its time", arguments: styles)
    func alone(style: Style) throws {
        let dump = Self.dump(Self.ethernet, style)
        let (packets, parser) = parseText(dump + "\n\n10:15:14.5\n" + dump + "\n")
        #expect(packets.map(\.record.ttl) == [63, 63])
        #expect(packets.map(\.frame) == [1, 2])
        #expect(packets.last?.time == 123_314_500_000_000)
        #expect(parser.program == "hex dump")
    }

    @Test("The headers of a dump are kept for evidence")
    func headers() throws {
        var parser = PacketTextParser()
        let text = Self.dump(
            Ethernet().ipv4(ttl: 63).tcp(flags: [.syn], options: [2, 4, 5, 180]).bytes, Self.styles[1])
        for line in text.utf8.split(separator: 10) { Array(line).withUnsafeBufferPointer { parser.feed($0) } }
        parser.finish()
        #expect(parser.ready.first?.headers?.pointee.maximumSegmentSize == 1460)
        parser.removeReady()
        #expect(parser.ready.isEmpty)
    }

    @Test("A dump that what a packet carried looks like gives no packet")
    func carried() {
        let dump = Self.dump(Self.bare, Self.styles[0])
        let (packets, _) = parseText(
            """
            22:13:20.000001 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 1:90, ack 1, win 9, length 89
            E..(....@.....GET / HTTP/1.1
            \(dump)
            """)
        #expect(!packets.contains { $0.record.tcpFlags.contains(.rst) })
    }

    @Test("A wrong IP checksum, as where addresses were replaced, is no reason to drop a dump")
    func checksum() {
        for (bytes, place) in [(Self.ethernet, 24), (Self.bare, 10)] {
            var changed = bytes
            changed[place] ^= 0x55
            #expect(parseText(Self.dump(changed, Self.styles[1])).packets.map(\.record.ttl) == [63])
        }
    }

    @Test("Of several dumps of a frame, that of the frame counts")
    func sources() {
        let frame = Self.dump(Self.ethernet, Self.styles[4])
        let sources = "Frame (54 bytes):\n\n\(frame)\n\nReassembled TCP (54 bytes):\n\n\(frame)\n"
        #expect(parseText(sources).packets.count == 1)
        // A frame with one source has no title.
        #expect(parseText(sources + "\n" + frame + "\n").packets.count == 2)
    }

    @Test(
        "Bytes that are no packet, and numbers in other texts, give none",
        arguments: [
            "0000  48 65 6c 6c 6f 2c 20 77 6f 72 6c 64 21 0a 00 00",
            "00000000: 7f45 4c46 0201 0100 0000 0000 0000 0000  .ELF............",
            "2026 1130 2213 2000 1234 5678 9abc def0",
            "0000 0001 0002 0003 are the numbers of the rooms",
            "0x0000 is the first address, 0x0010 the next one",
            "let table: [UInt16] = [0x4500, 0x0028, 0x0000, 0x4000]",
            "commit 4500003c1c4640004006b1e6ac100a63ac100a0c",
        ])
    func others(line: String) {
        let (packets, _) = parseText(line + "\n" + line + "\n")
        #expect(packets.isEmpty)
    }

    @Test("A dump cut inside its headers is refused with a reason")
    func cut() {
        let (packets, parser) = parseText(Self.dump(Array(Self.ethernet.prefix(40)), Self.styles[0]))
        #expect(packets.isEmpty)
        #expect(parser.counts.packets == 1)
        #expect(parser.counts.notUnderstood == 1)
        #expect(parser.firstProblem?.reason.contains("hex dump") == true)
    }
}
