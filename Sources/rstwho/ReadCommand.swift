// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Capture
import Diagnosis
import Glibc
import Packets
import Reporting

/// `rstwho read`: findings from capture files, a pipe, or the text of `tcpdump -v`.
struct ReadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Name the senders of the resets in a capture.",
        discussion: """
            Reads pcap and pcapng (also .gz and .zst) and the text that `tcpdump -v` prints; `-` is standard input, \
            which is read as it comes. Several files, such as tcpdump's ring files (-C, -G, -W; also as a pattern in quotes), \
            are read in the order of their first packets: ssh firewall 'tcpdump -i eth0 -U -w - not host ${SSH_CLIENT%% *}' | rstwho read -

            Exit status: 0 no problem, 1 a reset that its host did not send or a path problem was found, 64 usage, \
            65 bad input (everything before the damage is printed), or nothing found and packets that were not read, \
            66 no such file, 74 read error.
            """)

    @Argument(help: "Capture files, or - for standard input.")
    var files: [String]

    @Flag(
        inversion: .prefixedNo,
        help:
            "Wait for more of a file that somebody is still writing, until the writer closes it. (default: on a terminal)"
    )
    var follow: Bool?

    @OptionGroup var output: OutputOptions
    @OptionGroup var evidence: EvidenceOptions
    @OptionGroup var tables: TableOptions

    func validate() throws {
        try OutputOptions.refusePackets(output.addresses, "--evidence", isGiven: evidence.path != nil)
    }

    func run() throws {
        var session = ReadSession(
            format: output.format, engineOptions: try tables.engineOptions(), evidence: try evidence.directory(),
            privacy: output.privacy)
        session.follows = follow ?? (isatty(STDOUT_FILENO) == 1)
        let files = CaptureSet.files(files)
        let names = files.count > 1
        for file in files {
            try session.read(file, name: names ? file : nil)
        }
        throw try session.finish().exitCode
    }
}

/// The options of printed findings.
struct OutputOptions: ParsableArguments {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text
        case json
    }

    @Option(help: "Format of findings: text, or json (JSON Lines).")
    var format = Format.text

    @Option(
        help: "Form of addresses: full, truncated (/24, /48) or pseudonyms (consistent in this run).")
    var addresses = AddressPrivacy.Kind.full

    /// For one run: pseudonyms are its own.
    var privacy: AddressPrivacy { AddressPrivacy(addresses) }

    /// Packets are written as they were.
    ///
    /// - Throws: where addresses are to be hidden and packets to be written.
    static func refusePackets(_ addresses: AddressPrivacy.Kind, _ option: String, isGiven: Bool) throws {
        guard isGiven, addresses != .full else { return }
        throw ValidationError(
            "\(option) writes packets with their true addresses: leave it out, or give --addresses full.")
    }
}

/// The options of the table sizes.
struct TableOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Maximum number of hosts in memory; hosts that never proved to be alive are evicted first. (default: 65536)",
            valueName: "number"))
    var maxHosts: Int?

    @Option(
        help: ArgumentHelp(
            "Maximum number of flows in memory; closed flows are evicted first. (default: 131072)", valueName: "number")
    )
    var maxFlows: Int?

    @Option(
        help: ArgumentHelp("Seconds that a reset waits for later packets. (default: 2)", valueName: "seconds"))
    var settle: Double?

    @OptionGroup var devices: DeviceOptions

    func validate() throws {
        guard maxHosts.map((8...1 << 26).contains) ?? true else {
            throw ValidationError("--max-hosts takes a number from 8 to \(1 << 26).")
        }
        guard maxFlows.map((8...1 << 26).contains) ?? true else {
            throw ValidationError("--max-flows takes a number from 8 to \(1 << 26).")
        }
        guard settle.map((0...3600).contains) ?? true else {
            throw ValidationError("--settle takes a number of seconds from 0 to 3600.")
        }
    }

    /// These are of the engine that reads captures.
    func validate(for source: SourceOptions) throws {
        guard source.files.isEmpty, maxHosts != nil || maxFlows != nil || settle != nil else { return }
        throw ValidationError("--max-hosts, --max-flows and --settle go with --from: rstwho watch has its own.")
    }

    /// The settings given on the command line.
    var settings: [Setting] {
        [
            maxHosts.map { Setting("memory.hosts", .scalar(String($0)), .commandLine) },
            maxFlows.map { Setting("memory.flows", .scalar(String($0)), .commandLine) },
            settle.map { Setting("settle_seconds", .scalar(String($0)), .commandLine) },
            devices.setting,
        ].compactMap { $0 }
    }

    /// - Throws: where the file of devices is wrong, which is said on standard error.
    func engineOptions() throws -> Engine.Options {
        var configuration = Configuration()
        configuration.maxHosts = maxHosts ?? configuration.maxHosts
        configuration.maxFlows = maxFlows ?? configuration.maxFlows
        configuration.settleSeconds = settle ?? configuration.settleSeconds
        configuration.devices = try devices.names()
        return configuration.engineOptions
    }
}
