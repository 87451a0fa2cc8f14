// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Glibc

@main
struct RstWho: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rstwho",
        abstract: "Who sent that reset?",
        discussion: """
            Names the real sender of each TCP reset: the host whose address it carries, a device on the path and its \
            hop, or this machine.
            """,
        version: "\(AgentVersion.name) \(AgentVersion.number)",
        subcommands: [
            WatchCommand.self, ReadCommand.self, AnnotateCommand.self, ExplainCommand.self, ResetsCommand.self,
            HostsCommand.self, OriginsCommand.self, PathsCommand.self, TopCommand.self, CompareCommand.self,
            FleetCommand.self, ShipCommand.self, ProbeCommand.self, DoctorCommand.self, DetachCommand.self,
            ForgetCommand.self, CheckConfigCommand.self, ExtcapCommand.self, MCPCommand.self,
        ])

    static func main() async {
        StandardDescriptors.hold()
        // Arguments come from /proc/self/cmdline: without it every command would be the help.
        guard !CommandLine.arguments.isEmpty else {
            printMessage("/proc is not mounted, and nothing works without it. Mount it where this process sees it")
            Glibc.exit(ExitStatus.unavailable.rawValue)
        }
        guard !PrivilegedHelper.isAsked(CommandLine.arguments) else { return await PrivilegedHelper.answer() }
        await main(nil)
    }
}
