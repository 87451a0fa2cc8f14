// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The TCP implementation of a host, as far as the options of its SYNs and SYN-ACKs tell: each writes them in an order
/// of its own.
enum StackFamily: UInt8, Sendable {
    case unknown
    case linux
    /// FreeBSD, macOS, iOS, OpenBSD, NetBSD.
    case bsd
    case windows

    /// The family whose handshakes have the options in this order (`HeaderSnapshot.tcpOptionOrder`).
    ///
    /// - `initialTTL`: Tells Windows from FreeBSD, which write the same options where both use timestamps.
    static func of(options order: UInt64, initialTTL: UInt8) -> StackFamily {
        switch order {
        // MSS, SACK permitted, timestamps, NOP, window scale; without timestamps MSS, NOP, NOP, SACK permitted, NOP,
        // window scale.
        case 0x24813, 0x211413, 0x248, 0x21148: .linux
        // FreeBSD; macOS and NetBSD; OpenBSD.
        case 0x2_1348 where initialTTL == 64: .bsd
        case 0x213_1184, 0x2_1311_8411, 0x2_1141_3118: .bsd
        case 0x21348, 0x213114, 0x2_1311_4118: .windows
        default: .unknown
        }
    }
}
