// SPDX-License-Identifier: Apache-2.0

/// What attaching native XDP does to an interface, by its driver.
package struct DriverNote: Sendable, Equatable {
    /// What it costs the traffic.
    package enum Cost: Sendable {
        /// Nothing that is known.
        case none
        /// Traffic stops for a moment, or runs slower from then on.
        case disturbance
        /// It cannot be known beforehand.
        case unknown
        /// The driver has no native XDP.
        case impossible
    }

    package var cost: Cost
    /// What happens, for people, without a full stop.
    package var text: String
    /// The largest MTU that the driver takes, where it is known.
    package var largestMTU: Int?

    /// The note for a driver as ETHTOOL_GDRVINFO names it.
    ///
    /// The sources are the drivers' functions behind `ndo_bpf` (drivers/net of Linux 6.1); veth was measured.
    package static func of(driver: String) -> DriverNote {
        switch driver {
        case "ixgbe", "ixgbevf", "i40e", "ice", "igb", "igc":
            DriverNote(cost: .disturbance, text: "attaching and detaching take the interface down and up again")
        case "mlx5_core":
            DriverNote(cost: .disturbance, text: "the queues are made anew; detaching resets the link for a moment")
        case "ena":
            DriverNote(
                cost: .disturbance,
                text: "the MTU must be 3498 or less (its default is 9001), and half of its queues are taken for XDP",
                largestMTU: 3498)
        case "virtio_net":
            DriverNote(
                cost: .disturbance,
                text:
                    "it refuses where the host merges packets (GRO, LRO in the guest's features) or has too few queues")
        case "veth":
            DriverNote(
                cost: .disturbance,
                text: "the other end's segmentation offload (TSO) goes off: bulk transfers were three times slower")
        case "tun":
            DriverNote(cost: .none, text: "works")
        case "e1000", "e1000e", "r8169", "tg3", "bridge", "802.1Q VLAN Support", "macvlan", "vxlan", "wireguard",
            "dummy":
            DriverNote(cost: .impossible, text: "this driver has none")
        default:
            DriverNote(cost: .unknown, text: "not known here; attaching may reset the link")
        }
    }

    /// Why it cannot be attached as the interface is set now.
    func problem(_ interface: CaptureFacts.Interface) -> String? {
        if let largestMTU, interface.info.mtu > largestMTU {
            return "its MTU is \(interface.info.mtu), and \(largestMTU) is the largest that the driver takes with it"
        }
        return nil
    }
}
