// SPDX-License-Identifier: Apache-2.0
import Capture
import CPacket
import Foundation
import Packets
import Testing

/// Real captures, found by RSTWHO_CAPTURES or beside the package.
enum SharedCaptures {
    static let directory: String =
        ProcessInfo.processInfo.environment["RSTWHO_CAPTURES"]
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
            "shared/captures"
        ).path

    static let areHere = FileManager.default.fileExists(atPath: directory + "/genuine-smb.pcap")

    /// A capture with its packet count by `capinfos -c` and its non-TCP/UDP/ICMP count by tshark's dissection.
    struct Capture: Sendable, CustomTestStringConvertible {
        var name: String
        var frames: UInt64
        /// ARP, LLDP, CDP.
        var notIP: UInt64 = 0
        /// IGMP.
        var other: UInt64 = 0
        /// Cut within the Ethernet header by the capture's length limit.
        var cut: UInt64 = 0

        var testDescription: String { name }
    }

    static let all: [Capture] = [
        Capture(name: "ambiguous-distance.pcap", frames: 800, notIP: 3, other: 2),
        Capture(name: "data-after-reset-scanner.pcap", frames: 86),
        Capture(name: "ebgp-application-ttl.pcap", frames: 91, notIP: 12),
        Capture(name: "format-ipv6-extension-headers.pcap", frames: 39838),
        Capture(name: "format-many-interfaces.pcapng", frames: 64),
        Capture(name: "format-nanosecond-big-endian.pcap", frames: 10),
        Capture(name: "format-ppp-mpls-icmp.pcap", frames: 18),
        Capture(name: "format-radiotap.pcap", frames: 26),
        Capture(name: "format-vlan-mpls.pcap", frames: 47),
        Capture(name: "format-vxlan.pcap", frames: 127),
        Capture(name: "genuine-mixed-lan-vlan.pcap", frames: 4709, notIP: 10),
        Capture(name: "genuine-rtsp-sll.pcap", frames: 568),
        Capture(name: "genuine-smb.pcap", frames: 782),
        Capture(name: "genuine-web-dual-stack.pcap", frames: 1942),
        Capture(name: "hypervisor-nat-gnutella.pcap", frames: 3905, notIP: 22, other: 12, cut: 1),
        Capture(name: "hypervisor-nat.pcap", frames: 5012, notIP: 40, other: 4),
        Capture(name: "inline-dpi-ttl-localization.pcap", frames: 286),
        Capture(name: "nat-router-timeout.pcap", frames: 78),
        Capture(name: "server-evasion-equal-ttl.pcap", frames: 10),
    ]
}

@Suite("Real captures", .enabled(if: SharedCaptures.areHere, "the shared captures are not here (RSTWHO_CAPTURES)"))
struct CaptureFileSharedTests {
    @Test("Each is read to its end, and every frame is counted once", arguments: SharedCaptures.all)
    func reads(capture: SharedCaptures.Capture) throws {
        var file = try CaptureFile.open(.path(SharedCaptures.directory + "/" + capture.name))
        var delivered: UInt64 = 0
        var lastFrame: UInt64 = 0
        var watermark: UInt64 = 0
        try file.read { batch in
            delivered += UInt64(batch.packets.count)
            #expect(batch.watermark >= watermark)
            watermark = batch.watermark
            for packet in batch.packets {
                #expect(packet.frame > lastFrame)
                #expect(packet.time <= watermark)
                lastFrame = packet.frame
            }
        }
        let counters = file.counters
        #expect(counters.frames == capture.frames)
        #expect(counters[PACKET_REFUSED_NOT_IP] == capture.notIP)
        #expect(counters[PACKET_REFUSED_OTHER_PROTOCOL] == capture.other)
        #expect(counters[PACKET_REFUSED_TRUNCATED_LINK] == capture.cut)
        // Nothing else is refused.
        #expect(counters.frames == counters.parsed + capture.notIP + capture.other + capture.cut)
        #expect(counters.parsed == delivered)
        #expect(counters.frames == counters.parsed + counters.refused.reduce(0, +) + counters.linkRefused.reduce(0, +))
        #expect(file.progress.read == file.progress.total)
        #expect(lastFrame <= capture.frames)
    }
}
