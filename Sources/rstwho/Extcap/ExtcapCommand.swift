// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Capture
import Glibc
import Reporting

/// `rstwho extcap`: interfaces in Wireshark's own list, live and with verdicts as comments.
///
/// Wireshark's man page extcap(4) has the protocol.
struct ExtcapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extcap",
        abstract: "Capture for Wireshark, live and with verdicts (extcap).",
        discussion: """
            Wireshark and tshark run this command; make install-extcap puts it where they look. In their list, \
            rstwho-INTERFACE is an interface of this machine, whose packets are shown --settle seconds late, with \
            verdicts as comments; it needs CAP_NET_RAW. rstwho-agent shows the findings of a running agent, here or on \
            --remote-host by ssh: the packets behind each, headers only. On a terminal: \
            tshark -i rstwho-eth0 -Y frame.comment -T fields -e frame.comment
            """)

    @Flag(name: .customLong("extcap-interfaces"), help: "List the interfaces.")
    var listsInterfaces = false

    @Flag(name: .customLong("extcap-dlts"), help: "List the link types of an interface.")
    var listsLinkTypes = false

    @Flag(name: .customLong("extcap-config"), help: "List the options of an interface.")
    var listsOptions = false

    @Flag(help: "Capture.")
    var capture = false

    @Option(name: .customLong("extcap-interface"), help: ArgumentHelp("The interface.", valueName: "name"))
    var interface: String?

    @Option(help: ArgumentHelp("The pipe to write to; - is standard output.", valueName: "path"))
    var fifo: String?

    @Option(
        name: .customLong("extcap-capture-filter"),
        help: ArgumentHelp("Not supported: use a display filter.", valueName: "filter"))
    var filter: String?

    @Option(
        name: .customLong("extcap-version"), help: ArgumentHelp("The version of Wireshark.", valueName: "version"))
    var wireshark: String?

    @Option(
        help: ArgumentHelp("The host of the agent as ssh takes it. (default: this machine)", valueName: "user@host"))
    var remoteHost: String?

    @Option(help: ArgumentHelp("The address of the agent there.", valueName: "address:port"))
    var agent = HTTPAddress.standard

    @Option(help: ArgumentHelp("Minutes of earlier findings that an agent gives first.", valueName: "minutes"))
    var minutes: UInt32 = 0

    @Option(help: ArgumentHelp("Seconds that packets wait for their verdict.", valueName: "seconds"))
    var settle: Double = 2

    @OptionGroup var devices: DeviceOptions

    /// Later versions of Wireshark may ask for more.
    @Argument(parsing: .allUnrecognized, help: .hidden)
    var unknown: [String] = []

    private static let prefix = "rstwho-"
    private static let agentName = "rstwho-agent"

    func validate() throws {
        guard (0...3600).contains(settle) else {
            throw ValidationError("--settle takes a number of seconds from 0 to 3600.")
        }
    }

    func run() async throws {
        let list = listsInterfaces ? Self.interfaces : listsLinkTypes ? linkType : listsOptions ? options : nil
        guard let list else { throw await captured() }
        var output = StandardOutput()
        do throws(OutputError) {
            try output.write(list)
            try output.flush()
        } catch {
            throw error.exitCode
        }
    }

    // MARK: Lists

    /// Names that the protocol's grammar can hold.
    private static func isListed(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || ".-_@:".utf8.contains(byte)
        }
    }

    private static var interfaces: String {
        var lines = [
            "extcap {version=\(AgentVersion.number)}{display=rstwho}",
            "interface {value=\(agentName)}{display=rstwho: findings of an agent, with their packets}",
        ]
        // Without a list of interfaces an agent can still be asked.
        let all = (try? InterfaceInfo.all()) ?? []
        for interface in all where interface.isUp && interface.framing != nil && isListed(interface.name) {
            lines.append(
                "interface {value=\(prefix)\(interface.name)}{display=rstwho: \(interface.name), with verdicts}")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var isAgent: Bool { interface == Self.agentName }

    private var localName: String? {
        guard let interface, interface.hasPrefix(Self.prefix) else { return nil }
        return String(interface.dropFirst(Self.prefix.count))
    }

    private var linkType: String {
        let all = (try? InterfaceInfo.all()) ?? []
        let isIP = localName.map { name in all.first { $0.name == name }?.framing == .ip } ?? false
        return isIP
            ? "dlt {number=101}{name=RAW}{display=Raw IP}\n" : "dlt {number=1}{name=EN10MB}{display=Ethernet}\n"
    }

    private var options: String {
        let lines =
            isAgent
            ? [
                "arg {number=0}{call=--remote-host}{display=Host (ssh)}{type=string}"
                    + "{tooltip=As ssh takes it, without a password; empty: this machine}",
                "arg {number=1}{call=--agent}{display=Address of the agent}{type=string}"
                    + "{default=\(HTTPAddress.standard)}{tooltip=As seen from that host}",
                "arg {number=2}{call=--minutes}{display=Minutes of earlier findings}{type=unsigned}{default=0}",
            ]
            : [
                "arg {number=0}{call=--settle}{display=Seconds that packets wait for their verdict}{type=double}"
                    + "{default=2}",
                "arg {number=1}{call=--devices}{display=File with names of devices}{type=fileselect}"
                    + "{mustexist=true}",
            ]
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: Capture

    private func captured() async -> ExitCode {
        do {
            guard capture, let interface, let fifo else {
                printMessage(
                    "Wireshark runs this; it needs --capture, --extcap-interface and --fifo, or one of the lists")
                return ExitStatus.usage.exitCode
            }
            if let filter, !filter.isEmpty {
                printMessage("Capture filters are not supported here: leave it empty and use a display filter")
                return ExitStatus.usage.exitCode
            }
            signal(SIGPIPE, SIG_IGN)
            if isAgent {
                let host = remoteHost.flatMap { $0.isEmpty ? nil : $0 }
                let session = ExtcapAgentSession(
                    place: agent, host: host, minutes: minutes, output: fifo)
                return await session.run().exitCode
            }
            guard let name = localName else {
                printMessage("\(interface): there is no such interface; --extcap-interfaces lists them")
                return ExitStatus.noInput.exitCode
            }
            var configuration = Configuration()
            configuration.settleSeconds = settle
            configuration.devices = try devices.names()
            let session = ExtcapInterfaceSession(
                interface: name, options: configuration.engineOptions, output: fifo)
            return await session.run().exitCode
        } catch {
            return (error as? ExitCode) ?? ExitStatus.configuration.exitCode
        }
    }
}
