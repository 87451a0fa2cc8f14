// SPDX-License-Identifier: Apache-2.0
package import Fleet
internal import Glibc
package import Packets
internal import Reporting

/// The directory of batches that wait to be sent: `<kind>-<16 hexadecimal digits>.jsonl.gz`, one kind of record a file,
/// numbered in the order in which they were begun.
///
/// Bounded in bytes and age: sightings give way first, then hosts, agents, and findings last. Whoever sends a batch
/// deletes it. A batch is never changed once it is whole, except that an address is forgotten.
package struct FleetSpool: ~Copyable {
    /// Rows and bytes (before compression) after which a batch is closed.
    package static let rowLimit = 5000
    package static let byteLimit = 1 << 20
    /// The kinds in the order in which they give way.
    private static let precious: [FleetRecord.Kind] = [.sighting, .host, .agent, .finding]

    /// The account of all records, by kind.
    package struct Account: Sendable, Equatable {
        package var rows: [FleetRecord.Kind: UInt64] = [:]
        package var dropped: [FleetRecord.Kind: UInt64] = [:]
        package var bytes = 0
        /// ns since 1970 of the oldest batch; `nil` where none waits.
        package var oldest: UInt64?

        package init() {}

        package mutating func drop(_ kind: FleetRecord.Kind, _ count: Int) {
            dropped[kind, default: 0] &+= UInt64(count)
        }
    }

    private struct Batch {
        var kind: FleetRecord.Kind
        var number: UInt64
        var size: Int
        /// `nil` for one of an earlier run, whose rows are counted when it gives way.
        var rows: Int?
    }

    private let directory: String
    private let byteBound: Int
    private let ageBound: UInt64
    private var batches: [Batch] = []
    private var finding: SpoolFile?
    private var sighting: SpoolFile?
    private var agent: SpoolFile?
    private var host: SpoolFile?
    private var newest: UInt64 = 0
    package private(set) var account = Account()

    /// Opens the spool and makes whole what an earlier run left unfinished.
    ///
    /// - Parameters:
    ///   - directory: made where it is not there.
    ///   - bytes: bytes of batches at most.
    ///   - age: the age (s) after which a batch is given up.
    ///   - now: ns since 1970.
    /// - Throws: the reason why the directory cannot be used.
    package init(_ directory: String, bytes: Int, age: UInt64, now: UInt64) throws(FleetSpoolError) {
        self.directory = directory
        byteBound = bytes
        ageBound = age * 1_000_000_000
        if mkdir(directory, 0o770) != 0, errno != EEXIST { throw FleetSpoolError(SpoolFault(directory, errno)) }
        guard access(directory, W_OK | X_OK) == 0, let names = Self.names(directory) else {
            throw FleetSpoolError(SpoolFault(directory, errno == 0 ? ENOTDIR : errno))
        }
        for name in names where name.hasSuffix(".part") { recover(name) }
        batches = (Self.names(directory) ?? []).compactMap { batch(named: $0) }.sorted { $0.number < $1.number }
        newest = batches.last?.number ?? 0
        makeRoom(now: now)
    }

    // MARK: Writing

    /// Appends a record; what cannot be written is counted.
    package mutating func append(_ record: FleetRecord, now: UInt64) throws(FleetSpoolError) {
        do throws(SpoolFault) {
            try withFile(record.kind, now: now) { file throws(SpoolFault) in try file.append(record.line) }
            account.rows[record.kind, default: 0] &+= 1
        } catch {
            account.drop(record.kind, 1 + giveUp(record.kind))
            throw FleetSpoolError(error)
        }
        if isFull(record.kind) { try close(record.kind, now: now) }
    }

    /// Counts records that were lost before they came here.
    package mutating func note(dropped kind: FleetRecord.Kind, _ count: Int) {
        if count > 0 { account.drop(kind, count) }
    }

    /// Hands what was appended so far to the kernel.
    package mutating func flush() throws(FleetSpoolError) {
        for kind in FleetRecord.Kind.allCases {
            do throws(SpoolFault) {
                switch kind {
                case .finding: try finding?.flush()
                case .sighting: try sighting?.flush()
                case .agent: try agent?.flush()
                case .host: try host?.flush()
                }
            } catch {
                account.drop(kind, giveUp(kind))
                throw FleetSpoolError(error)
            }
        }
    }

    /// Closes all batches that have rows.
    ///
    /// Returns how many rows they have.
    @discardableResult
    package mutating func closeAll(now: UInt64) throws(FleetSpoolError) -> Int {
        var rows = 0
        for kind in FleetRecord.Kind.allCases { rows += try close(kind, now: now) }
        look(now: now)
        return rows
    }

    /// Closes the batch of a kind, if there is one.
    ///
    /// Returns how many rows it has.
    @discardableResult
    package mutating func close(_ kind: FleetRecord.Kind, now: UInt64) throws(FleetSpoolError) -> Int {
        guard let file = take(kind) else { return 0 }
        let (name, rows) = (file.name, file.rows)
        account.rows[kind, default: 0] &-= UInt64(rows)
        do throws(SpoolFault) {
            let size = try file.finish()
            if var batch = batch(named: name) {
                (batch.size, batch.rows) = (size, rows)
                account.rows[kind, default: 0] &+= UInt64(rows)
                let index = batches.firstIndex { $0.number > batch.number } ?? batches.count
                batches.insert(batch, at: index)
            }
        } catch {
            account.drop(kind, rows)
            throw FleetSpoolError(error)
        }
        makeRoom(now: now)
        return rows
    }

    // MARK: Bounds

    /// Notices what was sent meanwhile, and what is too old.
    package mutating func look(now: UInt64) {
        batches = batches.filter { access(path($0), F_OK) == 0 || errno != ENOENT }
        makeRoom(now: now)
    }

    private mutating func makeRoom(now: UInt64) {
        while let first = batches.first, Self.time(first.number) &+ ageBound < now { giveUp(0) }
        var size = batches.reduce(0) { $0 + $1.size }
        for kind in Self.precious {
            while size > byteBound, let index = batches.firstIndex(where: { $0.kind == kind }) {
                size -= batches[index].size
                giveUp(index)
            }
        }
        account.bytes = size
        account.oldest = batches.first.map { Self.time($0.number) }
    }

    private mutating func giveUp(_ index: Int) {
        let batch = batches.remove(at: index)
        let rows = batch.rows ?? SpoolFile.lines(of: path(batch))?.lines.count ?? 0
        // Somebody may have sent and deleted it this moment.
        if unlink(path(batch)) == 0 { account.drop(batch.kind, rows) }
    }

    // MARK: Forgetting

    /// Removes all records that mention an address of a prefix.
    ///
    /// Returns how many there were.
    package mutating func forget(_ prefix: IPPrefix, now: UInt64) throws(FleetSpoolError) -> Int {
        try closeAll(now: now)
        var removed = 0
        for index in batches.indices {
            let batch = batches[index]
            guard let lines = SpoolFile.lines(of: path(batch))?.lines else { continue }
            let kept = lines.filter { !AddressText.mentions(prefix, in: $0.utf8) }
            guard kept.count < lines.count else { continue }
            removed += lines.count - kept.count
            do throws(SpoolFault) {
                var file = try SpoolFile(name(batch) + ".new", in: directory)
                for line in kept { try file.append(line) }
                let size = try file.finish()
                guard rename(path(batch) + ".new", path(batch)) == 0 else { throw SpoolFault(path(batch), errno) }
                (batches[index].size, batches[index].rows) = (size, kept.count)
            } catch {
                throw FleetSpoolError(error)
            }
        }
        return removed
    }

    /// Removes all records that mention an address of a prefix from the spool of an agent that does not run.
    ///
    /// Returns how many there were; 0 where there is no spool.
    package static func forget(_ prefix: IPPrefix, in directory: String) throws(HistoryFault) -> Int {
        guard access(directory, F_OK) == 0 else { return 0 }
        do throws(FleetSpoolError) {
            let now = History.now()
            var spool = try FleetSpool(directory, bytes: .max, age: .max / 1_000_000_000 / 2, now: now)
            return try spool.forget(prefix, now: now)
        } catch {
            throw HistoryFault(.unwritable, path: directory, problem: error.description)
        }
    }

    // MARK: Names

    private func name(_ batch: Batch) -> String { Self.name(batch.kind, batch.number) }
    private func path(_ batch: Batch) -> String { "\(directory)/\(name(batch))" }

    private static func name(_ kind: FleetRecord.Kind, _ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return "\(kind.rawValue)-\(String(repeating: "0", count: 16 - digits.count))\(digits).jsonl.gz"
    }

    /// A batch's number is the time (ns since 1970) when it was begun, or one more than the last.
    private static func time(_ number: UInt64) -> UInt64 { number }

    private static let ending = ".jsonl.gz"

    private func batch(named name: String) -> Batch? {
        guard name.hasSuffix(Self.ending) else { return nil }
        let parts = name.dropLast(Self.ending.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.count == 16, let kind = FleetRecord.Kind(rawValue: String(parts[0])),
            let number = UInt64(parts[1], radix: 16)
        else { return nil }
        var status = stat()
        guard lstat("\(directory)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Batch(kind: kind, number: number, size: Int(status.st_size), rows: nil)
    }

    private static func names(_ directory: String) -> [String]? {
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }

    // MARK: Unfinished batches

    /// Keeps the whole rows of a batch that a run left unfinished; the rest is counted.
    private mutating func recover(_ name: String) {
        let path = "\(directory)/\(name)"
        let whole = String(name.dropLast(".part".count))
        guard let kind = FleetRecord.Kind(rawValue: String(whole.prefix { $0 != "-" })),
            let (lines, isCut) = SpoolFile.lines(of: path)
        else {
            unlink(path)
            return
        }
        // The name of the unfinished batch is taken until it is gone.
        let kept = "\(directory)/\(whole).kept"
        guard rename(path, kept) == 0 else { return }
        defer { unlink(kept) }
        if isCut { account.drop(kind, 1) }
        guard !lines.isEmpty else { return }
        do throws(SpoolFault) {
            var file = try SpoolFile(whole, in: directory)
            for line in lines { try file.append(line) }
            _ = try file.finish()
        } catch {
            account.drop(kind, lines.count)
        }
    }

    // MARK: Open batches

    private mutating func withFile(
        _ kind: FleetRecord.Kind, now: UInt64, _ body: (inout SpoolFile) throws(SpoolFault) -> Void
    ) throws(SpoolFault) {
        var file: SpoolFile
        if let open = take(kind) { file = open } else { file = try begin(kind, now: now) }
        do throws(SpoolFault) {
            try body(&file)
        } catch {
            put(file, kind)
            throw error
        }
        put(file, kind)
    }

    private mutating func begin(_ kind: FleetRecord.Kind, now: UInt64) throws(SpoolFault) -> SpoolFile {
        newest = max(now, newest + 1)
        return try SpoolFile(Self.name(kind, newest), in: directory)
    }

    private mutating func take(_ kind: FleetRecord.Kind) -> SpoolFile? {
        switch kind {
        case .finding: finding.take()
        case .sighting: sighting.take()
        case .agent: agent.take()
        case .host: host.take()
        }
    }

    private mutating func put(_ file: consuming SpoolFile, _ kind: FleetRecord.Kind) {
        switch kind {
        case .finding: finding = consume file
        case .sighting: sighting = consume file
        case .agent: agent = consume file
        case .host: host = consume file
        }
    }

    private func isFull(_ kind: FleetRecord.Kind) -> Bool {
        func isFull(_ file: borrowing SpoolFile?) -> Bool {
            switch file {
            case .some(let file): file.rows >= Self.rowLimit || file.bytes >= Self.byteLimit
            case nil: false
            }
        }
        return switch kind {
        case .finding: isFull(finding)
        case .sighting: isFull(sighting)
        case .agent: isFull(agent)
        case .host: isFull(host)
        }
    }

    /// Gives up the open batch of a kind; returns the rows that were in it.
    private mutating func giveUp(_ kind: FleetRecord.Kind) -> Int {
        guard let file = take(kind) else { return 0 }
        let rows = file.rows
        account.rows[kind, default: 0] &-= UInt64(rows)
        file.discard()
        return rows
    }
}

/// Why the spool cannot be written.
package struct FleetSpoolError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ fault: SpoolFault) { description = fault.description }
}
