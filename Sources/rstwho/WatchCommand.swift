// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Capture
import Diagnosis

/// `rstwho watch`: findings from this machine's interfaces, as they happen.
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Say who sends the resets that pass this machine's interfaces.",
        discussion: """
            Prints each finding as it is settled and serves metrics and an API at http://\(HTTPAddress.standard). Where \
            an agent captures these interfaces already, its findings are shown instead of capturing twice.

            Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run it with sudo. A mirror port (--tap) needs CAP_NET_RAW as \
            well. The default hook, TC, disturbs nothing; `rstwho doctor INTERFACE` tells what native XDP would cost.

            Exit status: 0 after an interrupt, 64 usage, 66 no such interface, 69 cannot capture here, 74 output error, \
            77 missing privilege, 78 configuration.
            """)

    @Argument(help: "Interfaces, or patterns such as 'eth*'.")
    var interfaces: [String]

    @OptionGroup var output: OutputOptions

    @Option(help: "Where arriving packets are looked at: tc, xdp, or xdp-generic.")
    var hook = LiveCapture.Hook.tc

    @Flag(help: "The interfaces are mirror ports: promiscuous, nothing of it is this machine's own.")
    var tap = false

    @Flag(inversion: .prefixedNo, help: "Tell repeats within ten seconds as one finding with a count.")
    var group = true

    @OptionGroup var http: HTTPOptions
    @OptionGroup var tables: TableOptions

    func run() async throws {
        var options = LiveCapture.Options(interfaces: interfaces)
        options.hook = hook
        options.isTap = tap
        let session = WatchSession(
            capture: options, engine: tables.engineOptions(), server: http.server, format: output.format,
            isGrouped: group)
        throw await session.run().exitCode
    }
}

extension LiveCapture.Hook: ExpressibleByArgument {}
