// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Glibc
import Packets

/// `rstwho forget`: removes what is kept of addresses.
struct ForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Delete everything kept about an address or a prefix.",
        discussion: """
            Deletes findings that mention such an address, hosts, paths, addresses in the lists of devices, and evidence \
            files, in the running agent and in its files, where they are overwritten. Later packets are kept again. A \
            running agent knows the directory of its evidence files.

            Needs to read and write the state directory: run it with sudo.

            Exit status: 0, 64 usage, 66 no such directory, 69 the agent does not answer, 74 I/O error, 77 missing privilege.
            """)

    @Argument(
        help: "An address, or a prefix such as 10.0.0.0/8.",
        transform: { text in
            guard let prefix = IPPrefix(prefixOrAddress: text) else {
                throw ValidationError("Give an IPv4 or IPv6 address, or a prefix such as 10.0.0.0/8.")
            }
            return prefix
        })
    var prefix: IPPrefix

    @Option(
        name: .customLong("state"), help: "The state directory of the agent. (default: \(StateDirectory.standard))",
        completion: .directory)
    var directory: String?

    @Option(
        name: .customLong("evidence"),
        help: "The directory with its evidence files. (default: evidence in the state directory)",
        completion: .directory)
    var evidence: String?

    @Option(
        name: .customLong("fleet"),
        help: "The directory with its records for the fleet. (default: fleet in the state directory)",
        completion: .directory)
    var fleet: String?

    @OptionGroup var agent: AgentOptions

    func run() throws {
        let directory = directory ?? StateDirectory.ofService ?? StateDirectory.standard
        guard access(directory, F_OK) == 0 else {
            printMessage("\(directory): there is no such directory. Name the state directory with --state")
            throw ExitStatus.noInput.exitCode
        }
        var output = StandardOutput()
        do {
            let removed = try forget(in: directory)
            try output.write("forgotten of \(prefix): \(removed.text)\n")
            try output.flush()
        } catch let error as OutputError {
            throw error.exitCode
        } catch let fault as HistoryFault {
            printMessage(
                fault.reason == .unwritable ? "\(fault.path): \(fault.problem). Run this with sudo" : fault.description)
            throw Self.status(of: fault).exitCode
        } catch let failure as AgentConnection.Failure {
            printMessage(
                "\(agent.place): the agent that uses \(directory) does not forget: \(failure.problem). Name where it listens with "
                    + "--http, or stop it first")
            throw ExitStatus.unavailable.exitCode
        }
    }

    /// An agent that uses the directory removes it itself.
    private func forget(in directory: String) throws -> Forgotten {
        do throws(HistoryFault) {
            var removed = try History.forget(prefix, in: directory, evidence: evidence)
            removed.fleetRecords = try FleetSpool.forget(prefix, in: fleet ?? SpoolOptions.standard(below: directory))
            return removed
        } catch {
            guard error.reason == .locked else { throw error }
            return try askAgent(directory)
        }
    }

    private func askAgent(_ directory: String) throws -> Forgotten {
        guard let token = History.token(in: directory) else {
            printMessage("\(directory): an agent uses it, and its token cannot be read. Run this with sudo")
            throw ExitStatus.noPrivilege.exitCode
        }
        return try RunningAgent.forget(prefix, at: agent.place, token: token)
    }

    private static func status(of fault: HistoryFault) -> ExitStatus {
        switch fault.reason {
        case .unwritable: .noPrivilege
        case .full, .damaged, .newer, .locked, .failed: .ioError
        }
    }
}
