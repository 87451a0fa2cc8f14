// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// `rstwho top` in a terminal: tmux draws what it sends, types the keys, and shows the screen.
@Suite(
    "Lab, the live screen", .serialized,
    .enabled(if: Requirements.areMet && Requirements.has("tmux"), "\(Requirements.reason), and tmux"))
struct TopTests {
    /// Returns a shell command that ends with the run's status and a check of the terminal's settings.
    private static func command(_ socket: String) -> String {
        "before=$(stty -g); \(Requirements.built("rstwho")) top --http-socket \(socket); echo status=$?; "
            + "[ \"$before\" = \"$(stty -g)\" ] && printf 'as %s' before"
    }

    @Test("It shows findings as they come, follows the terminal's size, and leaves it clean")
    func screen() throws {
        try Topology.with { topology in
            let socket = topology.scratch.file("agent.sock").path
            let agent = try Self.agent(topology, socket)
            let terminal = try TestTerminal(columns: 120, lines: 30)
            try terminal.type(Self.command(socket))
            try terminal.wait { $0.contains("rstwho top") && $0.contains("No finding yet.") }
            try topology.tryEverything(server: Topology.serverAddress)
            try terminal.wait { $0.contains("device at hop 2") && $0.contains("o-1") && $0.contains("q quit") }
            let widest = try terminal.lines().map(\.count).max() ?? 0
            #expect(widest <= 120)

            try terminal.resize(columns: 64, lines: 14)
            let small = try terminal.wait { $0.contains("device at hop 2") && $0.contains("q quit") }
            #expect(!small.contains("STAGE"))
            let lines = try terminal.lines()
            #expect(lines.count <= 14)
            try terminal.press("p")
            try terminal.wait { $0.contains("p all findings") }

            try terminal.press("q")
            let after = try terminal.wait { $0.contains("status=0") && $0.contains("as before") }
            #expect(!after.contains("q quit"))
            let isAlternate = try terminal.isAlternate
            #expect(!isAlternate)
            agent.send(SIGINT)
            _ = try agent.wait(timeout: 10)
        }
    }

    @Test("However it ends, the terminal is as before", arguments: ["C-c", "TERM", "agent"])
    func ends(how: String) throws {
        try Topology.with { topology in
            let socket = topology.scratch.file("agent.sock").path
            let agent = try Self.agent(topology, socket)
            let terminal = try TestTerminal(columns: 100, lines: 24)
            try terminal.type(Self.command(socket))
            try terminal.wait { $0.contains("q quit") }
            let expected: String
            switch how {
            case "TERM":
                let process = try terminal.foregroundProcess(named: "rstwho")
                kill(try #require(process), SIGTERM)
                expected = "status=143"
            case "agent":
                agent.send(SIGINT)
                expected = "status=69"
            default:
                try terminal.press("C-c")
                expected = "status=0"
            }
            let after = try terminal.wait { $0.contains(expected) && $0.contains("as before") }
            #expect(after.contains("the agent has ended") == (how == "agent"))
            let isAlternate = try terminal.isAlternate
            #expect(!isAlternate)
            agent.send(SIGINT)
            _ = try agent.wait(timeout: 10)
        }
    }

    @Test("Without a terminal or an agent it says so")
    func refusals() throws {
        let scratch = try Scratch()
        let child = try ChildProcess(
            [Requirements.built("rstwho"), "top"], standardOutput: scratch.file("out"),
            standardError: scratch.file("err"))
        let status = try child.wait(timeout: 10)
        #expect(status == 64)
        let message = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
        #expect(message.contains("needs a terminal"))
        let terminal = try TestTerminal(columns: 100, lines: 24)
        try terminal.type(Self.command(scratch.file("none.sock").path))
        try terminal.wait { $0.contains("no agent answers") && $0.contains("status=69") && $0.contains("as before") }
    }

    private static func agent(_ topology: Topology, _ socket: String) throws -> ChildProcess {
        let agent = try topology.client.start([
            Requirements.built("rstwho"), "watch", Topology.clientSide, "--http-socket", socket,
        ])
        try agent.waitForStandardError("ready:", timeout: 20)
        return agent
    }
}
