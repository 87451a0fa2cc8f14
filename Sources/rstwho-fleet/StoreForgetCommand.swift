// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import FleetStore
import Glibc
import Packets

/// `rstwho fleet forget`: deletes the records of a prefix's hosts.
struct StoreForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Delete the records of an address or a prefix from every server of the store.",
        discussion: """
            The prefix is noted in the store for seven days, and every later `forget` deletes what agents that were offline \
            have sent since. Without a prefix it does only that. Agents keep their own history: run `rstwho forget` there. The \
            agents' own status rows stay.

            Exit status: 0, 64 usage, 69 a server did not answer: run it again, 78 configuration.
            """)

    @Argument(
        help: "An address, or a prefix such as 10.4.0.0/16.",
        transform: { text in
            guard let prefix = IPPrefix(prefixOrAddress: text) else {
                throw ValidationError("Give an IPv4 or IPv6 address, or a prefix such as 10.4.0.0/16.")
            }
            return prefix
        })
    var prefix: IPPrefix?

    @Option(help: ArgumentHelp("The realm of the addresses.", valueName: "name"))
    var realm = ""

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let settings = try options.settings()
        let client = try options.client(settings)
        let forgetting = Forgetting(client)
        let now = UInt64(max(0, time(nil))) * 1_000_000_000
        let mark = prefix.map { Forgetting.Mark(realm: realm, prefix: $0, before: now) }
        var status = Status.ok
        for server in settings.servers {
            do throws(StoreError) {
                print("\(server): \(try await forgetting.forget(mark, on: server)) records deleted")
            } catch {
                Message.tell("\(server): \(error.text). \(StoreDoctor.advice(error))", .error)
                status = Status(error)
            }
        }
        await client.shutdown()
        if status != .ok { throw status.code }
    }
}
