// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Reporting

/// What a command that lists something of the engine's has in common: it asks the running agent, or reads captures.
struct ListingOptions: ParsableArguments {
    @Option(name: .customLong("from"), help: "A capture to read instead of asking the agent. May be repeated.")
    var files: [String] = []

    @Option(name: .customLong("http"), help: "Where the agent listens.")
    var address = HTTPAddress.standard

    @OptionGroup var output: OutputOptions
    @OptionGroup var tables: TableOptions

    /// The items, and the status of the reading; an agent's answer is `nothingForeign`.
    ///
    /// - Parameters:
    ///   - path: where the agent has them.
    ///   - name: what they are called, for a message.
    ///   - decode: reads the agent's answer; `nil` where it is none.
    ///   - items: takes them from captures that were read.
    /// - Throws: `agentUnreachable`, said on standard error.
    func list<Item>(
        at path: String, name: String, decode: ([UInt8]) -> [Item]?, items: (borrowing ReadSession) -> [Item]
    ) throws -> (items: [Item], status: ExitStatus) {
        guard !files.isEmpty else { return (try ask(path, name, decode), .nothingForeign) }
        var session = ReadSession(format: nil, engineOptions: tables.engineOptions())
        for file in files { try session.read(file, name: nil) }
        let status = try session.finish()
        return (items(session), status)
    }

    private func ask<Item>(_ path: String, _ name: String, _ decode: ([UInt8]) -> [Item]?) throws -> [Item] {
        do {
            var connection = try AgentConnection(address, timeout: 5)
            let code = try connection.get(path, host: "localhost")
            let body = try connection.body(limit: 1 << 26)
            if code == 200, let items = decode(body) { return items }
            printMessage("\(address): what answers there is not an agent that knows \(name) (status \(code))")
        } catch {
            printMessage(
                "\(address): no agent answers (\(error.problem)). Start one with rstwho watch, or name captures with --from"
            )
        }
        throw ExitStatus.agentUnreachable.exitCode
    }
}
