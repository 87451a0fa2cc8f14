// SPDX-License-Identifier: Apache-2.0
import CPacket
import Foundation
import Packets
import Testing

@testable import Capture

@Suite("Text that went through mail, loggers and web pages")
struct TextPreparationTests {
    private static let verbose = [
        "22:13:20.000000 IP (tos 0x0, ttl 64, id 100, offset 0, flags [none], proto ICMP (1), length 84)",
        "    10.1.0.1 > 10.4.0.2: ICMP echo request, id 7, seq 1, length 64",
        "22:13:25.000000 IP (tos 0x0, ttl 64, id 300, offset 0, flags [DF], proto TCP (6), length 60)",
        "    10.1.0.1.50992 > 10.4.0.2.22: Flags [S], cksum 0x95eb (correct), seq 1000, win 64240, "
            + "options [mss 1460,sackOK,TS val 1438955416 ecr 0,nop,wscale 7], length 0",
        "22:13:25.001000 IP (tos 0x0, ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 40)",
        "    10.4.0.2.22 > 10.1.0.1.50992: Flags [R.], cksum 0xca0b (correct), seq 0, ack 1001, win 0, length 0",
    ]

    private static let plain = [
        "22:13:20.000000 IP 10.1.0.1 > 10.4.0.2: ICMP echo request, id 7, seq 1, length 64",
        "22:13:25.000000 IP 10.1.0.1.50992 > 10.4.0.2.22: Flags [S], seq 1000, win 64240, "
            + "options [mss 1460,sackOK,TS val 1438955416 ecr 0,nop,wscale 7], length 0",
        "22:13:25.001000 IP 10.4.0.2.22 > 10.1.0.1.50992: Flags [R.], seq 0, ack 1001, win 0, length 0",
    ]

    /// Returns whether the lines give the three packets, however they were written.
    private static func isRight(_ lines: [String], ttl: UInt8) -> Bool {
        let (packets, parser) = parseText(lines.joined(separator: "\n"))
        guard packets.count == 3, parser.counts.unread == 0 else { return false }
        let reset = packets[2].record
        return reset.tcpFlags == [.rst, .ack] && reset.src_port == 22 && reset.dst_port == 50992 && reset.ack == 1001
            && reset.ttl == ttl && packets[1].record.seq == 1000 && packets[1].record.window == 64240
    }

    @Test("Lines that were cut at any width")
    func cut() {
        for width in 40...120 {
            for (lines, ttl) in [(Self.verbose, UInt8(63)), (Self.plain, 0)] {
                let cut = lines.flatMap { line in
                    stride(from: 0, to: line.count, by: width).map { String(line.dropFirst($0).prefix(width)) }
                }
                #expect(Self.isRight(cut, ttl: ttl), "\(width) columns")
            }
        }
    }

    @Test(
        "A prefix before every line",
        arguments: [
            "Nov 30 22:57:00 fw1 tcpdump[812]: ", "2026-11-30T22:57:00.123456+00:00 fw1 tcpdump[9]: ", "web-1  | ",
            "[pod/a/b] ", "- ", "* ", "| ", "2026-11-30T22:57:00.1Z ",
        ])
    func prefix(_ prefix: String) {
        #expect(Self.isRight(Self.verbose.map { prefix + $0 }, ttl: 63))
        #expect(Self.isRight(Self.plain.map { prefix + $0 }, ttl: 0))
    }

    @Test("Numbers before the lines, as cat -n writes them")
    func numbered() {
        func numbered(_ lines: [String]) -> [String] {
            lines.enumerated().map { "     \($0.offset + 1)\t\($0.element)" }
        }
        #expect(Self.isRight(numbered(Self.verbose), ttl: 63))
        #expect(Self.isRight(numbered(Self.plain), ttl: 0))
    }

    @Test("Entities, also escaped twice, no-break spaces and backticks")
    func characters() {
        for lines in [Self.verbose, Self.plain] {
            let ttl: UInt8 = lines.count == 6 ? 63 : 0
            #expect(Self.isRight(lines.map { $0.replacingOccurrences(of: ">", with: "&gt;") }, ttl: ttl))
            #expect(Self.isRight(lines.map { $0.replacingOccurrences(of: ">", with: "&amp;gt;") }, ttl: ttl))
            #expect(Self.isRight(lines.map { $0.replacingOccurrences(of: " ", with: "\u{a0}") }, ttl: ttl))
            #expect(Self.isRight(lines.map { "`\($0)`" }, ttl: ttl))
        }
    }

    @Test("All packets in one line")
    func joined() {
        for (lines, ttl) in [(Self.verbose, UInt8(63)), (Self.plain, 0)] {
            let line = lines.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
            #expect(Self.isRight([line], ttl: ttl))
        }
    }

    @Test("What a packet carried begins no packet in its line")
    func carried() {
        let (packets, _) = parseText(
            "22:13:25.000000 IP 10.1.0.1.50992 > 10.4.0.2.80: Flags [P.], seq 1:19, ack 1, win 502, length 18: HTTP: GET / "
                + Self.plain[2])
        #expect(packets.count == 1)
        #expect(packets.first?.record.packetClass == .bulk)
    }

    @Test(
        "Placeholders for addresses",
        arguments: [
            "<A>/<B>", "[A]/[B]", "{a}/{b}", "$A/$B", "(a)/(b)", "x.x.x.1/x.x.x.2", "10.1.300.2/10.4.300.2",
            "***.1/***.2",
        ])
    func placeholders(_ names: String) {
        let pair = names.split(separator: "/").map(String.init)
        for (lines, ttl) in [(Self.verbose, UInt8(63)), (Self.plain, 0)] {
            let named = lines.map {
                $0.replacingOccurrences(of: "10.1.0.1", with: pair[0])
                    .replacingOccurrences(of: "10.4.0.2", with: pair[1])
            }
            #expect(Self.isRight(named, ttl: ttl))
        }
    }

    @Test("Prose, source code and other logs hold no packets; lines of packets that are not read are counted")
    func negatives() {
        let (packets, parser) = parseText(
            """
            Hello, our server 10.4.0.2 resets every connection from 10.1.0.1. What can that be?
            let address = "10.1.0.1" // and 10.4.0.2
            Nov 30 22:57:00 fw1 sshd[812]: Connection closed by 10.1.0.1 port 50992
            """)
        #expect(packets.isEmpty)
        #expect(parser.counts.unread == 0)
        let (none, unread) = parseText("frame 7: 10.1.0.1:50992 -> 10.4.0.2:22 something\n")
        #expect(none.isEmpty)
        #expect(unread.counts.unread == 1)
    }
}
