// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The part of rstwho that talks to the fleet's store, apart from the agent, which needs neither network nor TLS.
@main
struct RstwhoFleet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rstwho-fleet",
        abstract: "The part of rstwho that talks to the fleet's store.",
        discussion: "`rstwho ship` and `rstwho fleet` start it; see docs/fleet.md.",
        subcommands: [
            ShipCommand.self, MigrateCommand.self, StoreDoctorCommand.self, StoreForgetCommand.self,
            SelectCommand.self,
        ])
}
