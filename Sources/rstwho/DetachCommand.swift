// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Capture
import Reporting

/// `rstwho detach`: takes rstwho's programs off interfaces, without the agent.
struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Take rstwho's BPF programs off interfaces, even if no agent answers.",
        discussion: """
            Removes the programs and filters that rstwho attached in this network namespace, and nothing else. For an \
            agent that hangs or was killed. An agent that runs and has kept its privileges attaches them again within \
            two seconds: stop it first.

            Exit status: 0, also if nothing was attached, 64 usage, 66 no such interface, 74 I/O error, \
            77 missing privilege.
            """)

    @Argument(help: "Interfaces, or patterns such as 'eth*'. (default: all)")
    var interfaces: [String] = []

    func run() throws {
        do {
            let results = try Detachment.detach(interfaces)
            var output = StandardOutput()
            for result in results {
                try output.write(
                    "\(UntrustedText.printable(result.interface)): \(result.programs) "
                        + "\(result.programs == 1 ? "program" : "programs") detached\n")
            }
            if results.isEmpty { try output.write("no program of rstwho is attached\n") }
            try output.flush()
        } catch let error as CaptureError {
            printMessage(error.description)
            throw ExitStatus(error).exitCode
        } catch let error as OutputError {
            throw error.exitCode
        }
    }
}
