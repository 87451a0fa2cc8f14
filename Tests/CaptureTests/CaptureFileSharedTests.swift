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
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/captures").path

    static let areHere = FileManager.default.fileExists(atPath: directory + "/genuine-smb.pcap")

    /// Frames as `capinfos -c` counts them.
    static let frames: [(name: String, count: UInt64)] = [
        ("ambiguous-distance.pcap", 800),
        ("data-after-reset-scanner.pcap", 86),
        ("ebgp-application-ttl.pcap", 91),
        ("format-ipv6-extension-headers.pcap", 39838),
        ("format-many-interfaces.pcapng", 64),
        ("format-nanosecond-big-endian.pcap", 10),
        ("format-ppp-mpls-icmp.pcap", 18),
        ("format-radiotap.pcap", 26),
        ("format-vlan-mpls.pcap", 47),
        ("format-vxlan.pcap", 127),
        ("genuine-mixed-lan-vlan.pcap", 4709),
        ("genuine-rtsp-sll.pcap", 568),
        ("genuine-smb.pcap", 782),
        ("genuine-web-dual-stack.pcap", 1942),
        ("hypervisor-nat-gnutella.pcap", 3905),
        ("hypervisor-nat.pcap", 5012),
        ("inline-dpi-ttl-localization.pcap", 286),
        ("nat-router-timeout.pcap", 78),
        ("server-evasion-equal-ttl.pcap", 10),
    ]
}

@Suite("Real captures", .enabled(if: SharedCaptures.areHere, "the shared captures are not here (RSTWHO_CAPTURES)"))
struct CaptureFileSharedTests {
    @Test("Each is read to its end, and every frame is counted once", arguments: SharedCaptures.frames)
    func reads(name: String, count: UInt64) throws {
        var file = try CaptureFile.open(.path(SharedCaptures.directory + "/" + name))
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
        #expect(counters.frames == count)
        #expect(counters.parsed == delivered)
        #expect(counters.frames == counters.parsed + counters.refused.reduce(0, +) + counters.linkRefused.reduce(0, +))
        #expect(file.progress.read == file.progress.total)
        #expect(lastFrame <= count)
    }
}
