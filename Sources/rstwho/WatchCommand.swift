// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Capture
import Diagnosis
import FoundationEssentials
import Logging
import Reporting

/// `rstwho watch`: findings from this machine's interfaces, as they happen.
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Name the senders of the resets on this machine's interfaces.",
        discussion: """
            Prints each finding as it is settled and serves metrics and an API at http://\(HTTPAddress.standard). If an \
            agent already captures these interfaces, shows its findings instead of capturing twice.

            Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run it with sudo. A mirror port (--tap) needs CAP_NET_RAW as \
            well. The default hook, TC, disturbs nothing; `rstwho doctor INTERFACE` lists the side effects of native XDP.

            Exit status: 0 after an interrupt, 64 usage, 66 no such interface, 69 cannot capture here, 74 output error, \
            77 missing privilege, 78 configuration.
            """)

    @Argument(help: "Interfaces, or patterns such as 'eth*'.")
    var interfaces: [String] = []

    @Option(
        help: "A configuration file; the environment and the command line override it. See check-config.",
        completion: .file())
    var config: String?

    @Option(help: "Format of findings: text, or json (JSON Lines). (default: text)")
    var format: Configuration.Format?

    @Option(
        help: ArgumentHelp(
            "Form of addresses: full, truncated (/24, /48) or pseudonyms (consistent in this run). (default: full)",
            discussion: "Served and stored data always has full addresses."))
    var addresses: AddressPrivacy.Kind?

    @Option(help: "Hook for arriving packets: tc, xdp, or xdp-generic. (default: tc)")
    var hook: LiveCapture.Hook?

    @Flag(help: "The interfaces are mirror ports: promiscuous, no packet is this machine's own.")
    var tap = false

    @Option(help: "Memory of one CPU's ring: a power of two such as 16MiB. (default: auto, 4MiB or less)")
    var ringSize: String?

    @Option(
        help: ArgumentHelp(
            "Average share of one core for processing packets, in percent. (default: 25)",
            discussion: "Above it, whole connections are left out, bulk first, never a reset.",
            valueName: "percent"))
    var cpuBudget: Int?

    @Flag(help: "Process every packet that fits into the rings, without a CPU limit.")
    var full = false

    @Option(
        help: ArgumentHelp(
            "Process one connection of N, whatever the load: for very small machines, and for tests.", valueName: "n"))
    var shed: Int?

    @Option(
        help: ArgumentHelp(
            "Capabilities after attaching: auto, keep or drop. (default: auto)",
            discussion: "auto keeps them only if an interface may appear later: a pattern, a missing name."
        ))
    var privileges: PrivilegeNeeds.Mode?

    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "Minimum priority of messages: error, warning, notice, info or debug. (default: info)",
            valueName: "level"))
    var logLevel: LogLevel?

    @Flag(
        inversion: .prefixedNo,
        help: "Collapse repeats within ten seconds into one finding with a count. (default: --group)")
    var group: Bool?

    @Option(
        name: .customLong("state"),
        help: "Directory to keep findings and baselines in. (default: the service's, otherwise none)",
        completion: .directory)
    var stateDirectory: String?

    @OptionGroup var http: HTTPOptions
    @Option(
        name: .customLong("evidence"),
        help: ArgumentHelp(
            "Keep the packets behind the newest problems in this directory, as ID.pcapng.", valueName: "directory"),
        completion: .directory)
    var evidence: String?

    @OptionGroup var tables: TableOptions

    func validate() throws {
        try OutputOptions.refusePackets(addresses ?? .full, "--evidence", isGiven: evidence != nil)
    }

    func run() async throws {
        let read: @Sendable () throws(ConfigurationError) -> Configuration = {
            [config, settings] () throws(ConfigurationError) in
            try Self.read(config, settings)
        }
        let configuration: Configuration
        do {
            configuration = try read()
        } catch {
            for problem in error.problems { printMessage(Self.text(of: problem), level: .error) }
            let isUsage = error.problems.allSatisfy { $0.source == .commandLine }
            throw (isUsage ? ExitStatus.usage : .configuration).exitCode
        }
        guard !configuration.interfaces.isEmpty else {
            printMessage("name an interface to watch, for example: rstwho watch eth0")
            throw ExitStatus.usage.exitCode
        }
        // Without a file nothing can have changed that could be read again.
        let reload = config.map { WatchReload(configuration, path: $0, read) }
        throw await WatchSession(configuration: configuration, reload: reload).run().exitCode
    }

    /// The message of a service that has no interface to watch.
    static let nothingToWatch = "interfaces is empty; name what to watch, for example: interfaces: [eth0]"

    /// Values of the command line are called as they are written there.
    private static func text(of problem: ConfigurationProblem) -> String {
        let names = [
            "capture.cpu_percent": "--cpu-budget", "capture.ring_size": "--ring-size", "capture.shed": "--shed",
        ]
        guard problem.source == .commandLine, let (key, option) = names.first(where: { problem.text.hasPrefix($0.key) })
        else { return problem.description }
        return option + problem.text.dropFirst(key.count)
    }

    private static func read(_ file: String?, _ settings: [Setting]) throws(ConfigurationError) -> Configuration {
        let effective = try EffectiveConfiguration(
            path: file, environment: EffectiveConfiguration.processEnvironment, arguments: settings)
        if let file, effective.configuration.interfaces.isEmpty {
            throw ConfigurationError(at: file, nothingToWatch)
        }
        return effective.configuration
    }

    /// The settings given on the command line.
    private var settings: [Setting] {
        var settings = http.settings + tables.settings
        if !interfaces.isEmpty { settings.append(Setting("interfaces", .list(interfaces), .commandLine)) }
        if let format { settings.append(Setting("output.format", .scalar(format.rawValue), .commandLine)) }
        if let addresses { settings.append(Setting("output.addresses", .scalar(addresses.rawValue), .commandLine)) }
        if let hook { settings.append(Setting("capture.hook", .scalar(hook.rawValue), .commandLine)) }
        if tap { settings.append(Setting("capture.tap", .scalar("true"), .commandLine)) }
        if let evidence { settings.append(Setting("evidence.directory", .scalar(evidence), .commandLine)) }
        if let ringSize { settings.append(Setting("capture.ring_size", .scalar(ringSize), .commandLine)) }
        if let cpuBudget { settings.append(Setting("capture.cpu_percent", .scalar(String(cpuBudget)), .commandLine)) }
        if full { settings.append(Setting("capture.cpu_percent", .scalar("full"), .commandLine)) }
        if let shed { settings.append(Setting("capture.shed", .scalar(String(shed)), .commandLine)) }
        if let privileges {
            settings.append(Setting("capture.privileges", .scalar(privileges.rawValue), .commandLine))
        }
        if let logLevel { settings.append(Setting("log.level", .scalar(logLevel.rawValue), .commandLine)) }
        if let group { settings.append(Setting("output.group", .scalar(String(group)), .commandLine)) }
        if let stateDirectory {
            let path =
                stateDirectory.hasPrefix("/")
                ? stateDirectory : "\(FileManager.default.currentDirectoryPath)/\(stateDirectory)"
            settings.append(Setting("history.directory", .scalar(path), .commandLine))
        }
        return settings
    }
}

extension LiveCapture.Hook: ExpressibleByArgument {}
extension Configuration.Format: ExpressibleByArgument {}
extension PrivilegeNeeds.Mode: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}
