// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `rstwho fleet`: one question to all agents.
struct FleetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "Ask all agents one question: who reset it, between which of them, where was it lost.",
        discussion: """
            Agents write records (see docs/fleet.md). They are read from the fleet's store, which `rstwho-fleet` asks; or \
            with --from from files or a pipe, from whatever store they come: cat spools/*.jsonl | rstwho fleet agents --from -
            """,
        subcommands: [
            FleetTraceCommand.self, FleetResetsCommand.self, FleetOriginsCommand.self, FleetHostsCommand.self,
            FleetChangedCommand.self, FleetAgentsCommand.self, FleetMigrateCommand.self, FleetDoctorCommand.self,
            FleetForgetCommand.self,
        ])
}
