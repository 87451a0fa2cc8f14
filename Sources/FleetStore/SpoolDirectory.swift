// SPDX-License-Identifier: Apache-2.0
package import Fleet
internal import Glibc
package import NIOCore

/// The directory in which an agent leaves finished batches.
///
/// Its files are `<kind>-<16 hexadecimal digits>.jsonl.gz`, as `finding-000001932fd1a2b3.jsonl.gz`. One that ends in
/// `.part` is being written. Everything else is left alone.
package struct SpoolDirectory: Sendable {
    /// A finished batch.
    package struct Batch: Sendable, Equatable {
        package var kind: FleetRecord.Kind
        /// The digits of the name: later batches have higher ones.
        package var number: UInt64
        package var size: Int
        /// Seconds since 1970.
        package var modified: Int

        package var name: String {
            let digits = String(number, radix: 16)
            let zeros = String(repeating: "0", count: 16 - digits.count)
            return "\(kind.rawValue)-\(zeros)\(digits)\(SpoolDirectory.suffix)"
        }
    }

    /// Something that the system refused.
    package struct Problem: Error, Sendable, Equatable {
        package var text: String
    }

    fileprivate static let suffix = ".jsonl.gz"
    /// Batches in `refused/`; the oldest go first.
    private static let maximumRefused = 20
    /// The largest batch that is sent, bytes: agents close theirs at a few MiB.
    package static let maximumBatch = 64 << 20

    package let path: String

    package init(_ path: String) {
        self.path = path
    }

    /// The kind and the number that a name tells; `nil` where it is not a finished batch's.
    package static func parse(_ name: some StringProtocol) -> (kind: FleetRecord.Kind, number: UInt64)? {
        guard name.hasSuffix(suffix) else { return nil }
        let parts = name.dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = FleetRecord.Kind(rawValue: String(parts[0])), parts[1].utf8.count == 16,
            parts[1].utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }), let number = UInt64(parts[1], radix: 16)
        else { return nil }
        return (kind, number)
    }

    /// The finished batches in the order in which they are sent: an agent's own rows last, as they say that everything
    /// before them is there.
    package func batches() throws(Problem) -> [Batch] {
        // A name that appears while a directory is read may be missed. Whatever was whole before an agent's row of the
        // first look is in the second.
        let rows = try scan().filter { $0.kind == .agent }
        let batches = try scan().filter { $0.kind != .agent }
        return batches.sorted { ($0.number, $0.name) < ($1.number, $1.name) } + rows.sorted { $0.number < $1.number }
    }

    private func scan() throws(Problem) -> [Batch] {
        guard let directory = opendir(path) else { throw Self.problem(path) }
        defer { closedir(directory) }
        var batches: [Batch] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard let (kind, number) = Self.parse(name), lstat("\(path)/\(name)", &status) == 0,
                status.st_mode & S_IFMT == S_IFREG
            else { continue }
            batches.append(
                Batch(kind: kind, number: number, size: Int(status.st_size), modified: status.st_mtim.tv_sec))
        }
        return batches
    }

    /// The bytes of a batch; `nil` where the agent has taken it away, as it does when the spool is full.
    package func read(_ batch: Batch) throws(Problem) -> ByteBuffer? {
        let file = open("\(path)/\(batch.name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.problem("\(path)/\(batch.name)")
        }
        defer { close(file) }
        var buffer = ByteBuffer()
        while buffer.readableBytes <= Self.maximumBatch {
            var count = 0
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 1 << 16) { target in
                count = Glibc.read(file, target.baseAddress, target.count)
                return max(0, count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.problem("\(path)/\(batch.name)") }
            if count == 0 { break }
        }
        return buffer
    }

    package func remove(_ batch: Batch) throws(Problem) {
        guard unlink("\(path)/\(batch.name)") == 0 || errno == ENOENT else {
            throw Self.problem("\(path)/\(batch.name)")
        }
    }

    /// Sets a batch aside that no server takes.
    ///
    /// - Returns: the number of older ones that had to go.
    @discardableResult
    package func refuse(_ batch: Batch) throws(Problem) -> Int {
        let place = "\(path)/refused"
        guard mkdir(place, 0o750) == 0 || errno == EEXIST else { throw Self.problem(place) }
        guard rename("\(path)/\(batch.name)", "\(place)/\(batch.name)") == 0 || errno == ENOENT else {
            throw Self.problem("\(place)/\(batch.name)")
        }
        let aside = SpoolDirectory(place)
        let old = try aside.batches().sorted { ($0.modified, $0.name) < ($1.modified, $1.name) }
        let excess = old.dropLast(Self.maximumRefused)
        for batch in excess { try aside.remove(batch) }
        return excess.count
    }

    private static func problem(_ path: String) -> Problem {
        Problem(text: "\(path): \(String(cString: strerror(errno)))")
    }
}
