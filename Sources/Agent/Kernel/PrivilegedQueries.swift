// SPDX-License-Identifier: Apache-2.0
internal import Capture
package import Diagnosis
package import Packets

/// The queries that need CAP_NET_ADMIN, answered by this process or by the helper that keeps the capability.
package struct PrivilegedQueries: Sendable {
    /// The original direction of the tracked connection whose replies look so.
    ///
    /// Called on the capture thread.
    package let original: @Sendable (FiveTuple) -> FiveTuple?
    /// Returns the conntrack entry of a flow.
    package let tracking: @Sendable (FiveTuple) -> ForwardingFacts.Tracking
    /// The packet filter's rules; `nil` where they cannot be had.
    package let rules: @Sendable () -> String?
    /// False where there is no nft that could list rules.
    package var hasRules: Bool { PacketFilterListing.program != nil }

    /// Asked in this process.
    package static let direct = PrivilegedQueries(
        original: { ConnectionTracking.isThere ? ConnectionTracking.original(ofReply: $0) : nil },
        tracking: { ForwardingFacts.Tracking(of: $0) },
        rules: { PacketFilterListing.read() })

    init(
        original: @escaping @Sendable (FiveTuple) -> FiveTuple?,
        tracking: @escaping @Sendable (FiveTuple) -> ForwardingFacts.Tracking, rules: @escaping @Sendable () -> String?
    ) {
        self.original = original
        self.tracking = tracking
        self.rules = rules
    }
}
