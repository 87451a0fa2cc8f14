// SPDX-License-Identifier: Apache-2.0
internal import Reporting

extension RunningAgent {
    /// The packets behind a finding of the agent at `address` as pcapng.
    ///
    /// Blocks for a few seconds at most.
    ///
    /// - Returns: `nil` where the agent has none, or not any more.
    /// - Throws: `AgentConnection.Failure` where the agent does not answer.
    package static func evidence(of id: String, at address: HTTPAddress) throws(AgentConnection.Failure) -> [UInt8]? {
        // An id has no character that a path would have to escape.
        guard EvidenceDirectory.isID(id) else { return nil }
        var connection = try AgentConnection(address, timeout: 5)
        let path = APIResponder.evidencePath + id + EvidenceFile.suffix
        switch try connection.get(path, host: "localhost") {
        case 200: return try connection.body(limit: EvidenceDirectory.sizeLimit)
        case 404: return nil
        case let status: throw AgentConnection.Failure(problem: "the agent answers with status \(status)")
        }
    }
}
