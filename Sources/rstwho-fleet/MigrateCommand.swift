// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import FleetStore

/// `rstwho fleet migrate`: creates the store's tables, or brings them up to date.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create the store's tables on every server, or bring them up to date.",
        discussion: """
            Needs an account that may create a database and tables. Only adds; interrupted, it is carried on by the next run. \
            Exit status: 0, 64 usage, 69 a server did not answer, 78 configuration.
            """)

    @Flag(help: "Print the statements for current ClickHouse instead, and ask no server.")
    var print = false

    @Flag(help: "Replicated tables, by the servers' macros {shard} and {replica}.")
    var replicated = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        if print {
            let database = (try? options.settings().database) ?? StoreSettings().database
            let text = SchemaText(dialect: .floor, database: database, isReplicated: replicated)
            Swift.print(Migrator.script(text), terminator: "")
            return
        }
        let settings = try options.settings()
        let client = try options.client(settings)
        let migrator = Migrator(client, isReplicated: replicated, program: "rstwho-fleet")
        var status = Status.ok
        for server in settings.servers {
            do throws(StoreError) {
                let outcome = try await migrator.migrate(server)
                Swift.print(
                    outcome.before < outcome.after
                        ? "\(server): schema \(outcome.before) -> \(outcome.after)"
                        : "\(server): schema \(outcome.after), nothing to do")
            } catch {
                Message.tell("\(server): \(error.text). \(StoreDoctor.advice(error))", .error)
                status = Status(error)
            }
        }
        await client.shutdown()
        if status != .ok { throw status.code }
    }
}
