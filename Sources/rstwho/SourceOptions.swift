// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Glibc

/// The options for the source of an answer: the running agent, its history, or captures.
struct SourceOptions: ParsableArguments {
    @Option(
        name: .customLong("from"),
        help: ArgumentHelp("A capture to read instead of asking the agent. May be repeated.", valueName: "file"),
        completion: .file())
    var files: [String] = []

    @Option(
        name: .customLong("state"),
        help: ArgumentHelp(
            "Read the history in this directory and ask no agent. (default without an agent: \(StateDirectory.standard))",
            valueName: "directory"),
        completion: .directory)
    var state: String?

    @OptionGroup var agent: AgentOptions

    func validate() throws {
        if state != nil, !files.isEmpty { throw ValidationError("Give --from or --state, not both.") }
    }

    /// The source of an answer.
    enum Answer {
        /// The body of the agent's answer.
        case agent([UInt8])
        case history(HistoryReader)
    }

    /// The agent's answer, or what can be asked in its place.
    ///
    /// - `subject`: what the agent has to know, for a message.
    ///
    /// Throws `unavailable`, said on standard error.
    func ask(_ path: String, knows subject: String) throws -> Answer {
        if let state { return .history(try history(in: state)) }
        do {
            var connection = try AgentConnection(agent.place, timeout: 5)
            let code = try connection.get(path, host: "localhost")
            let body = try connection.body(limit: 1 << 26)
            guard code == 200 else { throw refuse(subject, status: code) }
            return .agent(body)
        } catch let failure as AgentConnection.Failure {
            let problem = "\(agent.place): no agent answers (\(failure.problem))"
            guard access("\(StateDirectory.standard)/history.sqlite", R_OK) == 0 else {
                printMessage(
                    errno == EACCES
                        ? "\(problem), and the history in \(StateDirectory.standard) is not everybody's to read: run it with sudo"
                        : "\(problem), and there is no history in \(StateDirectory.standard). Start an agent with rstwho watch, or "
                            + "name captures with --from, or a history's directory with --state")
                throw ExitStatus.unavailable.exitCode
            }
            printMessage("\(problem): this is from the history in \(StateDirectory.standard)")
            return .history(try history(in: StateDirectory.standard))
        }
    }

    private func history(in directory: String) throws -> HistoryReader {
        do throws(HistoryFault) {
            return try History.open(readOnly: directory)
        } catch {
            throw Self.exit(for: error)
        }
    }

    /// Says what is wrong with the history.
    static func exit(for fault: HistoryFault) -> ExitCode {
        printMessage("\(fault.path): \(fault.problem). Name another directory with --state, or captures with --from")
        return ExitStatus.unavailable.exitCode
    }

    /// Says that what answers is no agent, or one that does not know that.
    func refuse(_ subject: String, status: Int) -> ExitCode {
        printMessage("\(agent.place): what answers there is not an agent that knows \(subject) (status \(status))")
        return ExitStatus.unavailable.exitCode
    }
}

/// The options for the running agent's address.
struct AgentOptions: ParsableArguments {
    @Option(
        name: .customLong("http"), help: ArgumentHelp("The address of the agent.", valueName: "address:port"))
    var address = HTTPAddress.standard

    @Option(
        name: .customLong("http-socket"),
        help: ArgumentHelp("The Unix socket that the agent listens on.", valueName: "path"), completion: .file())
    var socket: String?

    var place: HTTPAddress { socket.map { .unixSocket(path: $0) } ?? address }
}
