// SPDX-License-Identifier: Apache-2.0

extension PacketClass {
    /// The name in metrics and texts.
    package var label: String {
        switch self {
        case .bulk: "bulk"
        case .handshake: "handshake"
        case .icmp: "icmp"
        case .reset: "reset"
        }
    }
}
