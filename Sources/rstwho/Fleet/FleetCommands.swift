// SPDX-License-Identifier: Apache-2.0
import Explanation
import ArgumentParser
import Fleet
import Packets
import Reporting

/// `rstwho fleet trace`: one connection, as all agents saw it.
struct FleetTraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Tell who reset a connection, between which agents, or where its packet was lost.",
        discussion: """
            Takes a connection as a tool prints it, or two addresses: rstwho fleet trace "10.1.0.1:50992 > 10.4.0.2:22"

            The first line answers, the second is the next step. Then the path with each agent's view, the agents that cannot \
            say, the evidence and the clocks. Address translation on the way does not matter.

            Exit status: 0 nothing is wrong, 1 somebody else than the host reset it or a packet was lost, 64 usage, 65 bad \
            input, 66 no such file or no such connection, 69 no server of the store answered, 74 read error, 78 configuration.
            """)

    @Argument(help: "The connection, as a tool prints it.")
    var connection: String

    @Option(help: ArgumentHelp("Maximum number of connections to explain.", valueName: "number"))
    var limit = 3

    @OptionGroup var options: FleetOptions

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit takes a number from 1 to 1000.") }
        _ = try patterns()
    }

    private func patterns() throws -> [Question.FlowPattern] {
        let question: Question
        do throws(Question.Problem) {
            question = try Question(parsing: connection)
        } catch {
            throw ValidationError(error.text)
        }
        switch question {
        case .flows(let flows): return flows
        case .address(let address): return [Question.FlowPattern(.init(address))]
        case .finding:
            throw ValidationError(
                "A finding's id is one agent's. Give the connection: \"10.1.0.1:50992 > 10.4.0.2:22\".")
        }
    }

    func run() throws {
        let input = try options.read("trace", connection)
        let join = FleetJoin(input.data, realm: try options.realm(in: input.data))
        let traces = try patterns().flatMap {
            join.traces($0, since: input.since ?? 0, until: input.until ?? .max)
        }.suffix(limit).reversed()
        let isProblem = traces.contains(where: \.isProblem)
        try options.answer(input, traces.isEmpty ? .noInput : isProblem ? .found : .ok) { style in
            guard !traces.isEmpty else {
                return style.privacy.apply(
                    to: "No agent reported this connection: \(connection)\n"
                        + "Next: `rstwho fleet agents` shows whether the agents on its path run and how much they sample; "
                        + "ask about the two addresses without ports.\n")
            }
            return traces.map { style.privacy.apply(to: FleetTraceReport($0, style: style).text) }
                .joined(separator: "\n")
        } json: {
            traces.map(\.line).joined()
        }
    }
}

/// `rstwho fleet resets`: the resets of all agents.
struct FleetResetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resets",
        abstract: "List the resets that the agents saw, each once.",
        discussion: """
            Exit status: 0 every reset is its host's own or undetermined, 1 at least one is not, 64 usage, 65 bad input, 66 no \
            such file, 69 no server of the store answered, 74 read error, 78 configuration.
            """)

    @Option(help: ArgumentHelp("Maximum number of lines.", valueName: "number"))
    var limit = 100

    @OptionGroup var options: FleetOptions

    func validate() throws {
        guard (1...1_000_000).contains(limit) else {
            throw ValidationError("--limit takes a number from 1 to 1000000.")
        }
    }

    func run() throws {
        let input = try options.read("resets")
        let resets = input.resets(realm: options.realm)
        try options.answer(input, resets.all.contains(where: \.isProblem) ? .found : .ok) {
            resets.text(limit: limit, $0)
        } json: {
            resets.all.prefix(limit).map(\.line).joined()
        }
    }
}

/// `rstwho fleet origins`: the devices that reset connections, over all agents.
struct FleetOriginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "origins",
        abstract: "List the devices that reset others' connections: whom, since when, on how many agents.",
        discussion: """
            A reset that several agents saw counts once. Exit status: 0 no such device, 1 at least one, 64 usage, 65 bad \
            input, 66 no such file, 69 no server of the store answered, 74 read error, 78 configuration.
            """)

    @OptionGroup var options: FleetOptions

    func run() throws {
        let input = try options.read("origins")
        let origins = FleetOrigins(input.resets(realm: options.realm))
        try options.answer(input, origins.all.isEmpty ? .ok : .found) {
            origins.text($0)
        } json: {
            origins.lines
        }
    }
}

/// `rstwho fleet hosts`: one address from every agent.
struct FleetHostsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hosts",
        abstract: "List the distance of an address or a prefix from every agent.",
        discussion: """
            Exit status: 0, 64 usage, 65 bad input, 66 no such file, 69 no server of the store answered, 74 read error, 78 \
            configuration.
            """)

    @Argument(
        help: "An address, or a prefix such as 10.4.0.0/16.",
        transform: { text in
            guard let prefix = IPPrefix(prefixOrAddress: text) else {
                throw ValidationError("Give an IPv4 or IPv6 address, or a prefix such as 10.4.0.0/16.")
            }
            return prefix
        })
    var prefix: IPPrefix

    @OptionGroup var options: FleetOptions

    func run() throws {
        let input = try options.read("hosts", prefix.description)
        let hosts = FleetHosts(input.data, prefix: prefix, realm: options.realm)
        try options.answer(input, .ok) {
            hosts.text($0)
        } json: {
            hosts.lines
        }
    }
}

/// `rstwho fleet changed`: what is different since a time.
struct FleetChangedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changed",
        abstract: "Compare the time since --since with the same span before: resets, path problems, devices, agents.",
        discussion: """
            rstwho fleet changed --since 03:00. Without --since the last hour is compared.

            Exit status: 0 nothing changed, 1 something did, 64 usage, 65 bad input, 66 no such file, 69 no server of the \
            store answered, 74 read error, 78 configuration.
            """)

    @OptionGroup var options: FleetOptions

    func run() throws {
        let input = try options.read("changed", length: FleetOptions.hour)
        let until = input.until ?? input.now &+ 1
        let since = input.since ?? until - min(until, FleetOptions.hour)
        let changes = FleetChanges(input.data, realm: options.realm, since: since, until: until)
        try options.answer(input, changes.isEmpty ? .ok : .found) {
            changes.text($0)
        } json: {
            changes.lines
        }
    }
}

/// `rstwho fleet agents`: the agents that can and cannot be trusted.
struct FleetAgentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents",
        abstract: "List the agents, those first that cannot be trusted now.",
        discussion: """
            Silent, behind, shedding, losing, a clock that is off, an old version, another key. Now is --until; without it, with --from, the \
            newest record's time.

            Exit status: 0 all can be trusted, 1 at least one cannot, 64 usage, 65 bad input, 66 no such file, 69 no server \
            of the store answered, 74 read error, 78 configuration.
            """)

    @OptionGroup var options: FleetOptions

    func run() throws {
        let input = try options.read("agents", length: FleetOptions.hour)
        let agents = FleetAgents(input.data, realm: options.realm, now: input.now)
        try options.answer(input, agents.isProblem ? .found : .ok) {
            agents.text($0)
        } json: {
            agents.lines
        }
    }
}
