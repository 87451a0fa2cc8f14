// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `rstwho ship`: sends an agent's finished batches to the fleet's store.
struct ShipCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ship",
        abstract: "Send the batches of an agent's spool to the fleet's store.",
        discussion: "Becomes `rstwho-fleet ship`, whose --help lists the options.")

    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("The spool, and options.", valueName: "arguments"))
    var arguments: [String] = []

    func run() throws { try StoreProgram.become(["ship"] + arguments) }
}

/// `rstwho fleet migrate`: creates the store's tables, or brings them up to date.
struct FleetMigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create the store's tables on every server, or bring them up to date.",
        discussion: "Becomes `rstwho-fleet migrate`, whose --help lists the options.")

    @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("Options.", valueName: "arguments"))
    var arguments: [String] = []

    func run() throws { try StoreProgram.become(["migrate"] + arguments) }
}

/// `rstwho fleet doctor`: whether the store can be used, and what to change.
struct FleetDoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check every server of the store: version, account, tables, clock.",
        discussion: "Becomes `rstwho-fleet doctor`, whose --help lists the options.")

    @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("Options.", valueName: "arguments"))
    var arguments: [String] = []

    func run() throws { try StoreProgram.become(["doctor"] + arguments) }
}

/// `rstwho fleet forget`: deletes the records of a prefix's hosts from the store.
struct FleetForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Delete the records of an address or a prefix from every server of the store.",
        discussion: "Becomes `rstwho-fleet forget`, whose --help lists the options.")

    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("The prefix, and options.", valueName: "arguments"))
    var arguments: [String] = []

    func run() throws { try StoreProgram.become(["forget"] + arguments) }
}
