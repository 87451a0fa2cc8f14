// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Foundation
import Packets
import Probing
import Reporting

/// `rstwho probe`: who answers a port, and from which hop.
struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Send SYNs with growing TTL to a port, and name the hop that answers.",
        discussion: """
            Tells open, closed and filtered ports apart, and names the device that answers or drops in the host's name. \
            The host's own hop is measured by ping, by UDP if ping is not answered, or by another port (--reference).

            This is the only command that sends packets: 20 a second, 400 at most, from ports that no connection uses. \
            Needs CAP_NET_RAW: run it with sudo.

            Exit status: 0 the host answers itself, or the sender is undetermined, 1 a device on the path or this machine \
            answers or drops in its place, or the port is filtered, 64 usage, 66 no such name, 69 the host cannot be \
            reached, 74 a system call failed, 77 missing privilege.
            """)

    @Argument(
        help: ArgumentHelp(
            "Name or address, and port. Put an IPv6 address in brackets: [2001:db8::1]:443.", valueName: "host:port")
    )
    var target: ProbeTarget

    @OptionGroup var output: OutputOptions
    @OptionGroup var devices: DeviceOptions

    @Flag(name: .customShort("4"), help: "Only IPv4.")
    var isIPv4 = false

    @Flag(name: .customShort("6"), help: "Only IPv6.")
    var isIPv6 = false

    @Option(
        help: ArgumentHelp(
            "Another port of the host that is known to answer: it shows the host's distance.", valueName: "port"))
    var reference: UInt16?

    @Option(
        name: .customLong("http"),
        help: ArgumentHelp("A running agent to ask about the host's distance.", valueName: "address:port"))
    var agent = HTTPAddress.standard

    @Option(help: ArgumentHelp("Maximum number of hops to probe.", valueName: "number"))
    var maxHops = 32

    @Option(help: ArgumentHelp("Packets per hop before it counts as silent.", valueName: "number"))
    var tries = 3

    func validate() throws {
        if isIPv4, isIPv6 { throw ValidationError("Give -4 or -6, not both.") }
        if !(1...60).contains(maxHops) { throw ValidationError("--max-hops is a number from 1 to 60.") }
        if !(1...10).contains(tries) { throw ValidationError("--tries is a number from 1 to 10.") }
        if reference == 0 || reference == target.port {
            throw ValidationError("--reference is another port than the one in question.")
        }
    }

    func run() throws {
        throw try probe().exitCode
    }

    private func probe() throws -> ExitStatus {
        let names = try devices.names()
        var result: ProbeResult
        do throws(ProbeError) {
            let addresses = try target.addresses(isIPv6: isIPv4 || isIPv6 ? isIPv6 : nil)
            let chosen = addresses[0]
            if addresses.count > 1 {
                let others = addresses.dropFirst().map(\.address.description).joined(separator: ", ")
                printMessage("\(target.host) is \(chosen.address), which is probed, and \(others)")
            }
            var options = ProbeOptions(target: chosen.address, port: target.port)
            options.reference = reference
            options.baseline = RunningAgent.find(at: agent)?.baseline(of: chosen.address)
            options.maxHops = maxHops
            options.tries = tries
            result = try ProbeRun.prepare(options, scope: chosen.scope).run()
        } catch {
            printMessage(error.description)
            return ExitStatus(error)
        }
        names.name(&result)
        var standardOutput = StandardOutput()
        let privacy = output.privacy
        // A name would give its address away.
        let isNamed = target.host != result.target.description && output.addresses == .full
        let report = ProbeReport(result, name: isNamed ? target.host : nil)
        do throws(OutputError) {
            switch output.format {
            case .json: try standardOutput.write(privacy.apply(to: report.json))
            case .text:
                let text = report.text(
                    width: standardOutput.columns,
                    drawing: LineDrawing(environment: ProcessInfo.processInfo.environment),
                    isColoured: standardOutput.isColoured)
                try standardOutput.write(privacy.apply(to: text))
            }
            try standardOutput.flush()
        } catch {
            throw error.exitCode
        }
        if result.isForeign { return .found }
        switch result.state {
        case .unreachable, .silent: return .unavailable
        default: return .ok
        }
    }
}

extension ProbeTarget: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}

extension ExitStatus {
    fileprivate init(_ error: ProbeError) {
        switch error.code {
        case .notFound: self = .noInput
        case .unreachable: self = .unavailable
        case .noPermission: self = .noPrivilege
        case .ioError: self = .ioError
        }
    }
}
