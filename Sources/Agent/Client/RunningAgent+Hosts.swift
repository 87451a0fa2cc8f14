// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets
internal import Reporting

extension RunningAgent {
    /// The distance that the agent knows `address` at.
    ///
    /// Blocks for a few seconds at most.
    ///
    /// - Returns: `nil` where it knows none, or one that accuses nobody: several distances, several VLANs, this
    ///   machine's own address.
    package func baseline(of address: IPAddress) -> ProbeBaseline? {
        // An address has no character that a query would have to escape.
        guard var connection = try? AgentConnection(self.address, timeout: 2),
            (try? connection.get("/api/v1/hosts?address=\(address)", host: "localhost")) == 200,
            let body = try? connection.body(limit: 1 << 20)
        else { return nil }
        return Self.baseline(of: address, in: body)
    }

    /// The same of the agent's answer.
    static func baseline(of address: IPAddress, in answer: [UInt8]) -> ProbeBaseline? {
        guard let hosts = HostReport.decode(answer), hosts.count == 1, let host = hosts.first, host.address == address,
            !host.isLocal, !host.isShared, let ttl = host.ttl
        else { return nil }
        // Packets that do not prove life teach nothing.
        let samples = host.samples.reduce(0) { $1.class == .unproven ? $0 : $0 + $1.count }
        return samples > 0 ? ProbeBaseline(distance: HopDistance(ttl: ttl), samples: samples) : nil
    }
}
