// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
package import Packets

extension RunningAgent {
    private struct Answer: Decodable {
        var findings: Int
        var hosts: Int
        var origins: Int
        var paths: Int
        var evidence_files: Int
        var fleet_records: Int?
        var damaged_history: Bool

        var forgotten: Forgotten {
            var forgotten = Forgotten()
            forgotten.findings = findings
            forgotten.hosts = hosts
            forgotten.origins = origins
            forgotten.paths = paths
            forgotten.evidenceFiles = evidence_files
            forgotten.fleetRecords = fleet_records ?? 0
            forgotten.hadDamaged = damaged_history
            return forgotten
        }
    }

    /// Has an agent forget addresses.
    ///
    /// Blocks, for as long as it takes to search its history.
    ///
    /// - `token`: `History.token(in:)`.
    ///
    /// Throws `AgentConnection.Failure` where the agent does not answer, or refuses.
    package static func forget(
        _ prefix: IPPrefix, at address: HTTPAddress, token: String
    ) throws(AgentConnection.Failure) -> Forgotten {
        var connection = try AgentConnection(address, timeout: 120)
        let status = try connection.post(
            "/api/v1/forget?prefix=\(URLText.escaped("\(prefix)"))", host: "localhost", token: token)
        let body = try connection.body(limit: 65_536)
        guard status == 200, let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
            throw AgentConnection.Failure(problem: "it refuses with status \(status)")
        }
        return answer.forgotten
    }
}
