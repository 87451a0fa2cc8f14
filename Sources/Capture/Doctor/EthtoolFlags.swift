// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Offloads that matter to capture, as ETHTOOL_GFLAGS tells them (`linux/ethtool.h`).
struct EthtoolFlags: Equatable {
    private static let stripVLANFlag: UInt32 = 1 << 8
    private static let lroFlag: UInt32 = 1 << 15
    private static let getFlags: UInt32 = 0x25
    private static let socketRequest: UInt = 0x8946

    /// Large receive offload.
    var hasLRO: Bool
    /// The card takes VLAN tags out of received frames.
    var stripsVLAN: Bool

    init(rawValue: UInt32) {
        hasLRO = rawValue & Self.lroFlag != 0
        stripsVLAN = rawValue & Self.stripVLANFlag != 0
    }

    /// Asks the driver; `nil` where it does not answer.
    init?(interface: String) {
        let control = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard control >= 0, interface.utf8.count < Int(IFNAMSIZ) else { return nil }
        defer { close(control) }
        var request = ifreq()
        withUnsafeMutableBytes(of: &request.ifr_ifrn) { $0.copyBytes(from: interface.utf8) }
        // struct ethtool_value: the command, and room for the answer.
        var value: (command: UInt32, data: UInt32) = (Self.getFlags, 0)
        let status = withUnsafeMutablePointer(to: &value) { pointer in
            request.ifr_ifru.ifru_data = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: CChar.self)
            return withUnsafeMutablePointer(to: &request) { ioctl(control, Self.socketRequest, $0) }
        }
        guard status == 0 else { return nil }
        self.init(rawValue: value.data)
    }
}
