// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// The kernel's own counters of an interface.
package enum InterfaceCounter {
    /// Packets received since the interface was made (`/sys/class/net/NAME/statistics/rx_packets`); `nil` where there
    /// is no such interface.
    package static func received(_ interface: String) -> UInt64? {
        // A name with a slash would lead elsewhere; the kernel allows none.
        guard !interface.contains("/"), interface != "..", interface != "." else { return nil }
        let path = "/sys/class/net/\(interface)/statistics/rx_packets"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return UInt64(text.prefix { $0.isNumber })
    }
}
