// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets

/// Frames that tests put into captures.
enum SampleFrame {
    /// A reset of the server's, told apart by `seq`.
    static func reset(seq: UInt32 = 1, ttl: UInt8 = 63) -> [UInt8] {
        Ethernet().ipv4(ttl: ttl).tcp(seq: seq, flags: [.rst, .ack]).bytes
    }

    /// The same without its Ethernet header.
    static func bareReset(seq: UInt32 = 1) -> [UInt8] {
        FrameBuilder.bareIP.ipv4(ttl: 63).tcp(seq: seq, flags: [.rst, .ack]).bytes
    }

    static func bareReset6(seq: UInt32 = 1) -> [UInt8] {
        FrameBuilder.bareIP.ipv6(hopLimit: 63).tcp(seq: seq, flags: [.rst, .ack]).bytes
    }

    static let arp: [UInt8] = Ethernet(ethertype: 0x0806).payload([UInt8](repeating: 0, count: 28)).bytes
}
