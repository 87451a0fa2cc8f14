// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Glibc

/// `rstwho top`: what the running agent sees, on the whole screen.
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show the agent's rates, devices and newest findings live.",
        discussion: """
            Keys: q quits, space pauses, p shows only findings that need attention. Works over ssh and in tmux, and \
            honours NO_COLOR.

            Exit status: 0, 64 usage or no terminal, 69 no agent, or the agent has ended.
            """)

    @OptionGroup var agent: AgentOptions

    func run() throws {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1,
            getenv("TERM").map({ String(cString: $0) }).map({ $0 != "dumb" && !$0.isEmpty }) ?? false
        else {
            printMessage(
                "top needs a terminal. Into a pipe or a file goes rstwho watch, or rstwho resets --format json")
            throw ExitStatus.usage.exitCode
        }
        guard let running = RunningAgent.find(at: agent.place) else {
            printMessage(
                "\(agent.place): no agent answers. Start one with rstwho watch, or say where it listens with --http")
            throw ExitStatus.unavailable.exitCode
        }
        throw try TopSession(agent: running).run().exitCode
    }
}
