// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Capture
import Fleet
import Glibc
import Logging
import Packets
import Reporting

/// The options for the records that a question to the fleet is answered from, and for the answer's form.
struct FleetOptions: ParsableArguments {
    /// ns.
    static let hour: UInt64 = 3_600_000_000_000
    static let day = 24 * hour

    @Option(
        name: .customLong("from"),
        help: ArgumentHelp(
            "Records as JSON Lines: a file, a directory of *.jsonl files, or - for standard input. May be repeated. "
                + "Without it, the fleet's store is asked.",
            valueName: "file"),
        completion: .file())
    var files: [String] = []

    @Option(
        help: ArgumentHelp(
            "File with the store's servers and account (default: $RSTWHO_STORE, or /etc/rstwho/store.yaml).",
            valueName: "file"),
        completion: .file())
    var store: String?

    @Flag(help: "Exit with status 69 where a server of the store did not answer.")
    var strict = false

    @Option(
        help: ArgumentHelp(
            "The realm (tenant, VRF) that is asked about. Needed where records have several.", valueName: "name"))
    var realm: String?

    @Option(
        help: ArgumentHelp(
            "Only what was seen since: 03:00, 2h, 2026-11-21T03:00:00Z. With --from, times ago count from the newest record.",
            valueName: "time"),
        transform: FleetOptions.time)
    var since: TimePoint?

    @Option(
        help: ArgumentHelp("Only what was seen until this time.", valueName: "time"), transform: FleetOptions.time)
    var until: TimePoint?

    @Option(help: "Output format: text, or json (JSON Lines).")
    var format = OutputOptions.Format.text

    @Option(help: "Form of addresses: full, truncated (/24, /48) or pseudonyms (consistent in this run).")
    var addresses = AddressPrivacy.Kind.full

    @Option(
        help: ArgumentHelp("Maximum number of records in memory; about 1 KB each.", valueName: "number"))
    var maxRecords = 2_000_000

    func validate() throws {
        guard (1000...100_000_000).contains(maxRecords) else {
            throw ValidationError("--max-records takes a number from 1000 to 100000000.")
        }
        guard files.isEmpty || store == nil else {
            throw ValidationError("Records come from files or from the store: give --from or --store, not both.")
        }
    }

    @Sendable private static func time(_ text: String) throws -> TimePoint {
        guard let point = TimePoint(text) else { throw ValidationError(TimePoint.allowed) }
        return point
    }

    /// Reads the records that a question needs; says on standard error what was not read.
    ///
    /// - `question`: as `rstwho-fleet select` takes it, with its subject.
    /// - `length`: the time before now that is asked about where no other is named, ns. Files are read whole.
    /// - Throws: an exit code where a file or the store cannot be read, or where there is no record at all.
    func read(_ question: String, _ subject: String? = nil, length: UInt64 = FleetOptions.day) throws -> FleetInput {
        files.isEmpty ? try ask(question, subject, length: length) : try readFiles()
    }

    private func readFiles() throws -> FleetInput {
        var data = FleetData(capacity: maxRecords)
        do throws(CaptureError) {
            for file in files { try RecordLines.read(file) { data.add(line: $0) } }
        } catch {
            printMessage(error.description, level: .error)
            throw ExitStatus(error).exitCode
        }
        if data.left > 0 {
            printMessage(
                "\(data.left) records are left out: there are more than \(maxRecords). Raise --max-records, or select "
                    + "the hours in question before the pipe")
        }
        guard data.count > 0 else {
            printMessage(
                data.unread > 0
                    ? "\(files.joined(separator: ", ")): none of \(data.unread) lines is a record of the fleet. Agents write "
                        + "them where `fleet.directory` is set; see docs/fleet.md"
                    : "\(files.joined(separator: ", ")): no records. Agents write them where `fleet.directory` is set",
                level: .error)
            throw (data.unread > 0 ? ExitStatus.badInput : .noInput).exitCode
        }
        if data.unread > 0 {
            printMessage(
                "\(data.unread) lines are no records of the fleet, or of a version that this program does not know")
        }
        let times = TimeSpan(since: since, until: until).resolved(now: data.newest, clock: .local)
        return FleetInput(data: data, now: times.until ?? data.newest, since: times.since, until: times.until)
    }

    private func ask(_ question: String, _ subject: String?, length: UInt64) throws -> FleetInput {
        let now = WallClock.now()
        let times = TimeSpan(since: since, until: until).resolved(now: now, clock: .local)
        let end = times.until ?? now
        let start = times.since ?? end - min(length, end)
        guard start <= end else { throw ValidationError("--since is later than --until.") }
        var arguments = ["select", question] + (subject.map { ["--", $0] } ?? [])
        arguments.insert(
            contentsOf: ["--since", "\(start)", "--until", "\(end)", "--limit", "\(maxRecords)"]
                + (realm.map { ["--realm", $0] } ?? []) + (store.map { ["--store", $0] } ?? []), at: 1)
        var data = FleetData(capacity: maxRecords)
        try StoreProgram.read(arguments) { data.add(line: $0) }
        return FleetInput(data: data, now: end, since: start, until: end)
    }

    /// The realm that is meant.
    ///
    /// - Throws: where the records have several and none was named.
    func realm(in data: FleetData) throws -> String {
        if let realm { return realm }
        let realms = data.realms.sorted()
        guard realms.count > 1 else { return realms.first ?? "" }
        let names = realms.map { $0.isEmpty ? "\"\"" : $0 }.joined(separator: ", ")
        printMessage(
            "the records have \(realms.count) realms (\(names)), whose addresses may overlap. Name one with --realm",
            level: .error)
        throw ExitStatus.usage.exitCode
    }

    /// Prints an answer, and ends the command with a status.
    ///
    /// The first line says which servers of the store did not answer.
    func answer(
        _ input: FleetInput, _ status: ExitStatus, text: (TableStyle) -> String, json: () -> String
    ) throws -> Never {
        var output = StandardOutput()
        let privacy = AddressPrivacy(addresses)
        var style = output.style
        style.privacy = privacy
        do throws(OutputError) {
            switch format {
            case .text:
                let text = input.data.notes.map { privacy.apply(to: $0.text) }.joined() + text(style)
                // Names and sentences are other machines', and go to a terminal.
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                try output.write(lines.map { UntrustedText.printable(String($0)) }.joined(separator: "\n"))
            case .json:
                try output.write(input.data.notes.filter(\.isPartial).map(\.answerLine).joined())
                try output.write(privacy.apply(to: json()))
            }
            try output.flush()
        } catch {
            throw error.exitCode
        }
        if strict, input.data.notes.contains(where: { !$0.missing.isEmpty }) {
            throw ExitStatus.unavailable.exitCode
        }
        throw status.exitCode
    }
}
