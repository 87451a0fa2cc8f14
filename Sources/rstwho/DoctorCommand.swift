// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Capture
import Reporting

/// `rstwho doctor`: whether this machine can capture, in which mode, and what stands in the way.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check whether this machine can capture, and show how to fix what prevents it.",
        discussion: """
            Checks the kernel, the privileges and, for each named interface, the side effects of native XDP. Attaches \
            nothing.

            Exit status: 0 capture is possible, 64 usage, 66 no such interface, 69 a check failed, 77 missing privilege.
            """)

    @Argument(help: "Interfaces, or patterns such as 'eth*'.")
    var interfaces: [String] = []

    @OptionGroup var output: OutputOptions

    func run() throws {
        throw try diagnose().exitCode
    }

    private func diagnose() throws -> ExitStatus {
        let checks: [DoctorCheck]
        do throws(CaptureError) {
            checks = try Doctor.checks(interfaces) + Self.agentChecks
        } catch {
            printMessage(error.description)
            return ExitStatus(error)
        }
        var standardOutput = StandardOutput()
        do throws(OutputError) {
            for check in checks {
                try standardOutput.write(output.format == .json ? Self.json(check) : Self.text(check))
            }
            try standardOutput.flush()
        } catch {
            return .ioError
        }
        let failed = checks.filter { $0.status == .fail }.map(\.name)
        if failed.contains("privilege") { return .noPrivilege }
        return failed.isEmpty ? .ok : .unavailable
    }

    /// The checks of an agent that runs here: whether it sees what it is to see.
    private static var agentChecks: [DoctorCheck] {
        guard let agent = RunningAgent.find(at: .standard) else { return [] }
        return agent.interfaces.map { interface in
            agent.unwatched.contains(interface)
                ? DoctorCheck(
                    "agent", .fail, interface: interface, text: "the running agent does not watch it now",
                    cure: "See its log (`journalctl -u rstwho`), and restart it (`systemctl restart rstwho`)")
                : DoctorCheck("agent", .ok, interface: interface, text: "the running agent watches it")
        }
    }

    private static func text(_ check: DoctorCheck) -> String {
        let status = check.status.rawValue.padded(to: 4)
        let subject = [check.interface, check.name].compactMap { $0 }.joined(separator: " ")
        let cure = check.cure.map { "      > \($0)\n" } ?? ""
        return "\(status)  \(subject): \(check.text)\n\(cure)"
    }

    private static func json(_ check: DoctorCheck) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("name", check.name)
            json.member("status", check.status.rawValue)
            json.member("interface", check.interface)
            json.member("text", check.text)
            json.member("cure", check.cure)
        }
        json.endLine()
        return json.text
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
