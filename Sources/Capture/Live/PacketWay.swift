// SPDX-License-Identifier: Apache-2.0

/// A packet's way past an interface: `enum packet_way`.
package enum PacketWay: UInt32, CaseIterable, Hashable, Sendable {
    case ingress = 0
    case egress = 1

    /// The name in metrics and texts.
    package var label: String {
        switch self {
        case .ingress: "in"
        case .egress: "out"
        }
    }
}
