// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Reporting

/// `rstwho paths`: the ways that connections take here.
struct PathsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "paths",
        abstract: "List the ways between clients and servers, and whether both directions take the same.",
        discussion: """
            For each network of clients and each server: where the two directions come past (interface and MAC addresses), \
            connections opened and taken, packets sent again, the shortest round trip. Two ways are no fault by themselves: \
            rstwho read and watch say where they make connections fail. Asks the running agent, or reads captures with --from.

            Exit status: 0, 64 usage, 65 bad input, 66 no such file, 69 no agent, 74 read error.
            """)

    @Option(name: .customLong("from"), help: "A capture to read instead of asking the agent. May be repeated.")
    var files: [String] = []

    @Option(name: .customLong("http"), help: "Where the agent listens.")
    var address = HTTPAddress.standard

    @OptionGroup var output: OutputOptions
    @OptionGroup var tables: TableOptions

    func run() throws {
        var standard = StandardOutput()
        var status = ExitStatus.nothingForeign
        let paths: [PathSummary]
        if files.isEmpty {
            paths = try ask()
        } else {
            var session = ReadSession(format: nil, engineOptions: tables.engineOptions())
            for file in files { try session.read(file, name: nil) }
            // What was found is not what was asked for.
            let read = try session.finish()
            if read != .found { status = read }
            paths = session.paths
        }
        switch output.format {
        case .text: try standard.write(PathReport.text(paths))
        case .json: for path in paths { try standard.write(PathReport.line(path)) }
        }
        try standard.flush()
        throw status.exitCode
    }

    private func ask() throws -> [PathSummary] {
        do {
            var connection = try AgentConnection(address, timeout: 5)
            let code = try connection.get("/api/v1/paths?limit=1000", host: "localhost")
            let body = try connection.body(limit: 1 << 26)
            if code == 200, let paths = PathReport.decode(body) { return paths }
            printMessage("\(address): what answers there is not an agent that knows paths (status \(code))")
        } catch {
            printMessage(
                "\(address): no agent answers (\(error.problem)). Start one with rstwho watch, or name captures with --from"
            )
        }
        throw ExitStatus.agentUnreachable.exitCode
    }
}
