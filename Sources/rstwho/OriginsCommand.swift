// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Reporting

/// `rstwho origins`: the devices that send resets for others.
struct OriginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "origins",
        abstract: "List the devices that send resets in other hosts' names.",
        discussion: """
            Resets of many hosts that have their distance, numbering and next hop in common come from one device. Asks the \
            running agent, or reads captures with --from.

            Exit status: 0 no such device, 1 at least one, 64 usage, 65 bad input, 66 no such file, 69 no agent, \
            74 read error.
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
        let origins: [Origin]
        if files.isEmpty {
            origins = try ask()
        } else {
            var session = ReadSession(format: nil, engineOptions: tables.engineOptions())
            for file in files { try session.read(file, name: nil) }
            status = try session.finish()
            origins = session.origins
        }
        switch output.format {
        case .text: try standard.write(OriginReport.text(origins))
        case .json: for origin in origins { try standard.write(OriginReport.line(origin)) }
        }
        try standard.flush()
        if !origins.isEmpty { status = .worst(status, .found) }
        throw status.exitCode
    }

    private func ask() throws -> [Origin] {
        do {
            var connection = try AgentConnection(address, timeout: 5)
            let code = try connection.get("/api/v1/origins", host: "localhost")
            let body = try connection.body(limit: 1 << 26)
            if code == 200, let origins = OriginReport.decode(body) { return origins }
            printMessage("\(address): what answers there is not an agent that knows origins (status \(code))")
        } catch {
            printMessage(
                "\(address): no agent answers (\(error.problem)). Start one with rstwho watch, or name captures with --from"
            )
        }
        throw ExitStatus.agentUnreachable.exitCode
    }
}
