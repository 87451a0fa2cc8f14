// SPDX-License-Identifier: Apache-2.0

extension DoctorFacts {
    /// Returns the check of native XDP on an interface with this driver.
    ///
    /// Known cases only; they are from the drivers' sources and documentation (`drivers/net/…` of the kernel), and from
    /// a measurement for veth.
    static func xdpCheck(_ interface: Interface) -> DoctorCheck {
        let name = interface.info.name
        func check(_ status: DoctorCheck.Status, _ text: String, cure: String? = nil) -> DoctorCheck {
            let driver = interface.driver.isEmpty ? "an unknown driver" : "driver \(interface.driver)"
            return DoctorCheck("native_xdp", status, interface: name, text: "\(driver): \(text)", cure: cure)
        }
        let instead = "Use the default hook, TC, or attach at a quiet time."
        switch interface.driver {
        case "ixgbe", "ixgbevf":
            return check(.warn, "native XDP resets the link for a few seconds when it attaches", cure: instead)
        case "mlx5_core":
            return check(.warn, "native XDP resets the link when it detaches, and needs LRO off", cure: instead)
        case "ena":
            return enaCheck(interface, check)
        case "virtio_net":
            return check(
                .warn, "native XDP may be refused: it needs a queue per CPU more, and guest offloads (LRO, GRO) off",
                cure: "Use the default hook, TC, or give the guest more queues and offloads off.")
        case "veth":
            return check(
                .warn,
                "native XDP turns off segmentation offload of the peer: 15.5 Gbit/s became 4.4 in a measurement",
                cure: "Use the default hook, TC, on links of containers that carry much.")
        case "loopback", "bridge", "vlan", "macvlan", "vxlan", "geneve", "wireguard", "dummy", "ipip", "gre", "sit",
            "ifb":
            return check(.ok, "has no native XDP; TC sees everything here")
        case "bond", "team":
            return check(
                .warn, "native XDP attaches to every member, each as its own driver does", cure: instead)
        case "i40e", "ice", "igb", "igc", "bnxt_en", "nfp", "mlx4_en", "sfc", "qede":
            return check(.warn, "native XDP sets up the queues anew when it attaches: a short gap", cure: instead)
        default:
            return check(.warn, "what native XDP does here is not known", cure: instead)
        }
    }

    private static func enaCheck(
        _ interface: Interface, _ check: (DoctorCheck.Status, String, String?) -> DoctorCheck
    ) -> DoctorCheck {
        let text = "native XDP takes half of the \(interface.receiveQueues) queues for itself"
        return check(.warn, text, "Halve the queues first: ethtool -L \(interface.info.name) combined N")
    }
}
