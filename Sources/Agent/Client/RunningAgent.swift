// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import Glibc
internal import Reporting

/// Another agent of this kind that is running already.
package struct RunningAgent: Sendable {
    package let address: HTTPAddress
    package let version: String
    /// The interfaces that it captures.
    package let interfaces: [String]
    /// Those of them that it does not watch now, though it should.
    package let unwatched: [String]

    private struct Health: Decodable {
        struct Interface: Decodable {
            var name: String
            /// Absent in the answers of older agents.
            var up: Bool?
        }

        var service: String
        var version: String
        var interfaces: [Interface]
    }

    /// Looks for an agent.
    ///
    /// Blocks for two seconds at most.
    ///
    /// - Returns: `nil` where nothing listens at `address`, or something else does.
    package static func find(at address: HTTPAddress) -> RunningAgent? {
        guard var connection = try? AgentConnection(address, timeout: 1),
            (try? connection.get("/healthz", host: "localhost")) != nil,
            let body = try? connection.body(limit: 65_536),
            let health = try? JSONDecoder().decode(Health.self, from: Data(body)), health.service == AgentVersion.name
        else { return nil }
        return RunningAgent(
            address: address, version: health.version, interfaces: health.interfaces.map(\.name),
            unwatched: health.interfaces.filter { $0.up == false }.map(\.name))
    }

    /// Hands over the agent's findings as they come, until it ends or `stop` is called.
    ///
    /// Blocks.
    ///
    /// - `since`: findings of packets after this time come first, as far as they are kept, ns since 1970; `nil`: only
    ///   new ones.
    /// - `connected`: called once the agent has answered.
    /// - `handle`: gets the finding as a line of JSON with its line feed, and taken apart; returns false to end.
    ///
    /// Throws `AgentConnection.Failure` where the agent does not answer or breaks off.
    package func follow(
        since: UInt64? = nil, stop: FollowStop, connected: () -> Void,
        _ handle: (_ line: String, _ finding: Finding) -> Bool
    ) throws(AgentConnection.Failure) {
        var connection = try AgentConnection(address, timeout: 5)
        guard stop.watch(connection.descriptor) else { return }
        defer { stop.unwatch() }
        let status = try connection.get(
            "/api/v1/stream" + (since.map { "?since=\(Timestamp.format($0))" } ?? ""), host: "localhost")
        guard status == 200 else {
            throw AgentConnection.Failure(problem: "the agent answers with status \(status)")
        }
        connected()
        // The agent sends something every 15 seconds; three times nothing means that it hangs.
        connection.setTimeout(45)
        while true {
            let line: String?
            do {
                line = try connection.line()
            } catch {
                if stop.isStopped { return }
                throw error
            }
            guard let line else { return }
            guard line.hasPrefix("data: ") else { continue }
            let json = line.dropFirst("data: ".count) + "\n"
            guard let finding = JSONLines.decode(String(json)) else { continue }
            if !handle(String(json), finding) { return }
        }
    }
}
