// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import FleetStore
import Glibc
import UnixSignals

/// `rstwho ship`: sends an agent's finished batches to the store.
struct ShipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ship",
        abstract: "Send the batches of an agent's spool to the fleet's store.",
        discussion: """
            A batch is deleted when a server has stored it, and not before. Batches that no server takes go to \
            SPOOL/refused, which keeps the newest 20.

            Exit status: 0 ended by a signal, or nothing waits with --once; 64 usage, 74 the spool cannot be read or \
            written, 75 batches still wait with --once, 78 configuration.
            """)

    @Argument(help: "The spool: the agent's `fleet.directory`.", completion: .directory)
    var spool: String

    @Flag(help: "Send what is there, and end.")
    var once = false

    @Option(
        help: ArgumentHelp(
            "File for metrics, in a directory of node_exporter's textfile collector.", valueName: "file"),
        completion: .file())
    var metrics: String?

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let settings = try options.settings()
        let client = try options.client(settings)
        let shipper = Shipper(client, spool: SpoolDirectory(spool), metricsPath: metrics) { Message.tell($0, .warning) }
        let signals = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { shipper.stop() }
        }
        if !once { Message.tell("shipping \(spool) to \(settings.servers.joined(separator: ", "))") }
        let waiting: Int
        do throws(SpoolDirectory.Problem) {
            waiting = try await shipper.run(once: once)
        } catch {
            Message.tell(error.text, .error)
            throw Status.ioError.code
        }
        signals.cancel()
        await client.shutdown()
        if once, waiting > 0 { throw Status.temporary.code }
    }
}
