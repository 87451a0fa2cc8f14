// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

extension Engine {
    /// Forgets what is known of the addresses of a prefix: hosts, their resets that wait for a verdict or for a revision, the hosts
    /// in whose names devices spoke, and the ways from and to them. Flows go on: their addresses are of packets that come now.
    ///
    /// - Returns: how many hosts were forgotten.
    package mutating func forget(_ prefix: IPPrefix) -> Int {
        let forgotten = context.hosts.remove { prefix.contains($0.address) }
        resets.undetermined.removeAll {
            prefix.contains($0.reset.record.source) || prefix.contains($0.reset.record.destination)
        }
        witnesses.origins.forget(prefix)
        paths.table.remove { prefix.contains($0.server) || prefix.contains($0.network) }
        // Packets that may become evidence are kept by flow, not by address; they come again.
        samples = PacketSamples(bytes: context.options.evidenceBytes, seed: context.options.seed)
        return forgotten
    }
}
