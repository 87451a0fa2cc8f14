// SPDX-License-Identifier: Apache-2.0
package import Packets

extension Finding {
    /// The finding of a comparison about connections whose packets did not get from one point to the next.
    package struct LegGap: Sendable {
        /// The names of the last point that saw the packets, and of the first that did not.
        package var from: String
        package var to: String
        /// The source of its packets, by the addresses that `Comparison.Route` has; the destination follows.
        package var source: IPAddress
        package var destination: IPAddress
        /// Packets that did not arrive.
        package var lost = Comparison.Tally()
        /// Packets of the same connections, in the same direction, that did.
        package var passed = Comparison.Tally()
        /// Services (ports) that these connections are to.
        package var services = 1
        /// Of a loss: packets that were not sent again, or whose copies did not come either.
        package var neverCame = 0
        /// The kind of the first packet that did not arrive.
        package var firstKind: PacketKind
        /// True where they come from the client.
        package var isFromClient: Bool
        /// True where `from` saw other packets of the same hosts come in and go out again, and these only come in.
        package var isInside = false
        /// The names of the points that packets of this direction and of the other one pass, in their order.
        package var there: [String] = []
        package var back: [String] = []
        /// A point that this direction passes and the other one does not, although it was captured there.
        package var bypassed: String?
        /// Payload bytes of the smallest segment that did not arrive and of the largest that did, where the size
        /// decides.
        package var smallestLost: Int?
        package var largestPassed: Int?

        package init(
            from: String, to: String, source: IPAddress, destination: IPAddress, firstKind: PacketKind,
            isFromClient: Bool
        ) {
            self.from = from
            self.to = to
            self.source = source
            self.destination = destination
            self.firstKind = firstKind
            self.isFromClient = isFromClient
        }
    }
}
