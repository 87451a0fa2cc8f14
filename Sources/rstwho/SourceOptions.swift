// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser

/// Where a command that asks gets its answer from: the running agent, or captures.
struct SourceOptions: ParsableArguments {
    @Option(
        name: .customLong("from"), help: "A capture to read instead of asking the agent. May be repeated.",
        completion: .file())
    var files: [String] = []

    @OptionGroup var agent: AgentOptions

    /// The body of the agent's answer.
    ///
    /// - Parameter subject: what the agent has to know, for a message.
    /// - Throws: `agentUnreachable`, said on standard error.
    func ask(_ path: String, knows subject: String) throws -> [UInt8] {
        do {
            var connection = try AgentConnection(agent.place, timeout: 5)
            let code = try connection.get(path, host: "localhost")
            let body = try connection.body(limit: 1 << 26)
            guard code == 200 else { throw refuse(subject, status: code) }
            return body
        } catch let failure as AgentConnection.Failure {
            printMessage(
                "\(agent.place): no agent answers (\(failure.problem)). Start one with rstwho watch, or name captures with --from"
            )
            throw ExitStatus.agentUnreachable.exitCode
        }
    }

    /// Says that what answers is no agent, or one that does not know that.
    func refuse(_ subject: String, status: Int) -> ExitCode {
        printMessage("\(agent.place): what answers there is not an agent that knows \(subject) (status \(status))")
        return ExitStatus.agentUnreachable.exitCode
    }
}

/// Where the running agent listens.
struct AgentOptions: ParsableArguments {
    @Option(name: .customLong("http"), help: "Where the agent listens.")
    var address = HTTPAddress.standard

    @Option(name: .customLong("http-socket"), help: "The Unix socket that the agent listens on.", completion: .file())
    var socket: String?

    var place: HTTPAddress { socket.map { .unixSocket(path: $0) } ?? address }
}
