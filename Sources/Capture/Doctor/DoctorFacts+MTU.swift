// SPDX-License-Identifier: Apache-2.0

extension DoctorFacts {
    /// The largest MTU with which a driver takes native XDP; `nil` where there is no limit, or none that matters.
    ///
    /// What fits one buffer, where the driver gives a program no more: a page without head and tail room
    /// (`ENA_XDP_MAX_MTU`); on Intel's 3 KiB without Ethernet's header, two tags and the checksum
    /// (`ixgbe_max_xdp_frame_size`, `I40E_PACKET_HDR_PAD`, `ICE_ETH_PKT_HDR_PAD`), of which some take several buffers
    /// on later kernels (BPF_F_XDP_HAS_FRAGS).
    static func maximumMTU(driver: String, kernel: KernelVersion) -> Int? {
        switch driver {
        case "ena": 3498
        case "ixgbe": 3046
        case "ice": kernel < KernelVersion(6, 3) ? 3046 : nil
        case "i40e": kernel < KernelVersion(6, 4) ? 3046 : nil
        default: nil
        }
    }

    func mtuCheck(_ interface: Interface) -> DoctorCheck? {
        let info = interface.info
        guard let limit = Self.maximumMTU(driver: interface.driver, kernel: kernel), info.mtu > limit else {
            return nil
        }
        return DoctorCheck(
            "mtu", .warn, interface: info.name,
            text: "native XDP needs an MTU of at most \(limit) with driver \(interface.driver), here it is \(info.mtu)",
            cure: "Use the default hook, TC, or: ip link set \(info.name) mtu \(limit)")
    }
}
