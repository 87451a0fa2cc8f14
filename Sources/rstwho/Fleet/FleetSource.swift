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
    @Option(
        name: .customLong("from"),
        help: ArgumentHelp(
            "Records as JSON Lines: a file, a directory of *.jsonl files, or - for standard input. May be repeated.",
            valueName: "file"),
        completion: .file())
    var files: [String] = []

    @Option(
        help: ArgumentHelp(
            "The realm (tenant, VRF) that is asked about. Needed where records have several.", valueName: "name"))
    var realm: String?

    @Option(
        help: ArgumentHelp(
            "Only what was seen since: 03:00, 2h, 2026-11-21T03:00:00Z. Times ago count from the newest record.",
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
        guard !files.isEmpty else {
            throw ValidationError(
                "Name the records with --from: spool files of agents (`fleet.directory`), or - for standard input.")
        }
    }

    @Sendable private static func time(_ text: String) throws -> TimePoint {
        guard let point = TimePoint(text) else { throw ValidationError(TimePoint.allowed) }
        return point
    }

    /// Reads all records; says on standard error what was not read.
    ///
    /// Throws an exit code where a file cannot be read or holds no record at all.
    func read() throws -> FleetData {
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
        return data
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

    func times(_ data: FleetData) -> (since: UInt64?, until: UInt64?) {
        TimeSpan(since: since, until: until).resolved(now: data.newest, clock: .local)
    }

    /// Prints an answer, and ends the command with a status.
    func answer(_ status: ExitStatus, text: (TableStyle) -> String, json: () -> String) throws -> Never {
        var output = StandardOutput()
        let privacy = AddressPrivacy(addresses)
        var style = output.style
        style.privacy = privacy
        do throws(OutputError) {
            switch format {
            case .text: try output.write(text(style))
            case .json: try output.write(privacy.apply(to: json()))
            }
            try output.flush()
        } catch {
            throw error.exitCode
        }
        throw status.exitCode
    }
}

/// Lines of files, directories or standard input.
enum RecordLines {
    /// A longer line is none of ours: the JSON of a finding has a few KB.
    private static let longest = 1 << 20

    /// Hands over each line.
    ///
    /// - Throws: `CaptureError` where the file cannot be read.
    static func read(_ path: String, _ handle: (String) -> Void) throws(CaptureError) {
        if path == "-" { return try read(STDIN_FILENO, "standard input", handle) }
        var status = stat()
        guard stat(path, &status) == 0 else { throw error(path, errno) }
        if status.st_mode & S_IFMT == S_IFDIR {
            for file in try files(in: path) { try read(file: "\(path)/\(file)", handle) }
        } else {
            try read(file: path, handle)
        }
    }

    private static func files(in path: String) throws(CaptureError) -> [String] {
        guard let directory = opendir(path) else { throw error(path, errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".jsonl") { names.append(name) }
        }
        return names.sorted()
    }

    private static func read(file: String, _ handle: (String) -> Void) throws(CaptureError) {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error(file, errno) }
        defer { close(descriptor) }
        try read(descriptor, file, handle)
    }

    private static func read(_ descriptor: Int32, _ name: String, _ handle: (String) -> Void) throws(CaptureError) {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var line: [UInt8] = []
        var isTooLong = false
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw error(name, errno) }
            if count == 0 { break }
            for part in piece[..<count].split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
                if part.offset > 0 {
                    handle(isTooLong ? "too long" : String(decoding: line, as: UTF8.self))
                    line.removeAll(keepingCapacity: true)
                    isTooLong = false
                }
                if line.count + part.element.count <= longest { line += part.element } else { isTooLong = true }
            }
        }
        if !line.isEmpty { handle(isTooLong ? "too long" : String(decoding: line, as: UTF8.self)) }
    }

    private static func error(_ path: String, _ number: Int32) -> CaptureError {
        let code: CaptureError.Code =
            number == ENOENT ? .notFound : number == EACCES || number == EPERM ? .noPermission : .ioError
        return CaptureError(
            code, subject: path, problem: String(cString: strerror(number)),
            advice: "--from takes a file of records, a directory of *.jsonl files, or -", errno: number)
    }
}
