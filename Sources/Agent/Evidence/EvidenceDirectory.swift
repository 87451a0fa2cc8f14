// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Glibc
internal import Reporting
internal import Synchronization

/// A directory with the evidence files of the newest findings, `ID.pcapng` each.
///
/// Holds at most `limit` files; `prune` removes those that are too old. An id begins with its finding's time, so names
/// tell age. Other files in it are left alone.
package final class EvidenceDirectory: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package var path: String
        package var errno: Int32

        package var description: String { "\(path): \(String(cString: strerror(errno)))" }
    }

    /// Files that there are at most, if nothing else is asked for.
    package static let standardLimit = 200
    /// Larger files are not written, bytes.
    package static let sizeLimit = 65_536
    private static let idLength = 26

    private let path: String
    private let limit: Int
    private let maximumAge: UInt64?
    /// The ids of the files, oldest first.
    private let ids: Mutex<[String]>

    /// Opens the directory, and makes it if its parent is there.
    ///
    /// - `maximumAge`: for how long a finding's file is kept, s (`HistoryOptions.maximumAge`); `nil`: for as
    ///   long as somebody wants it.
    ///
    /// Throws `Failure` where it cannot be made or read.
    package init(_ path: String, limit: Int = standardLimit, maximumAge: UInt64? = nil) throws(Failure) {
        self.path = path
        self.maximumAge = maximumAge
        self.limit = max(limit, 1)
        if mkdir(path, 0o750) != 0, errno != EEXIST { throw Failure(path: path, errno: errno) }
        guard let directory = opendir(path) else { throw Failure(path: path, errno: errno) }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(EvidenceFile.suffix) else { continue }
            let id = String(name.dropLast(EvidenceFile.suffix.count))
            if Self.isID(id) { found.append(id) }
        }
        ids = Mutex(found.sorted())
    }

    /// True for what can be a finding's id, and so for nothing that leads out of the directory.
    package static func isID(_ text: String) -> Bool {
        text.utf8.count == idLength
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
            }
    }

    /// The files that are there now.
    package var count: Int { ids.withLock { $0.count } }

    /// True where that finding has a file.
    package func contains(_ id: String) -> Bool { ids.withLock { $0.contains(id) } }

    /// Writes a finding's file, in place of an earlier one; the oldest files give way.
    ///
    /// - Throws: `Failure`; nothing half-written is left under the file's name.
    package func write(_ bytes: [UInt8], id: String) throws(Failure) {
        guard Self.isID(id), bytes.count <= Self.sizeLimit else { throw Failure(path: file(id), errno: EINVAL) }
        let temporary = "\(path)/.\(id).tmp"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Failure(path: temporary, errno: errno) }
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count
        let problem = isWritten ? 0 : errno == 0 ? ENOSPC : errno
        close(descriptor)
        guard isWritten, rename(temporary, file(id)) == 0 else {
            let reason = isWritten ? errno : problem
            unlink(temporary)
            throw Failure(path: file(id), errno: reason)
        }
        ids.withLock { ids in
            if let place = ids.firstIndex(where: { $0 >= id }) {
                if ids[place] != id { ids.insert(id, at: place) }
            } else {
                ids.append(id)
            }
            while let oldest = ids.first, ids.count > limit {
                unlink(file(oldest))
                ids.removeFirst()
            }
        }
    }

    /// Removes the files of findings that are too old.
    ///
    /// - Parameter now: ns since 1970.
    func prune(now: UInt64) {
        guard let maximumAge else { return }
        let oldest = now / 1_000_000 - min(now / 1_000_000, maximumAge * 1000)
        ids.withLock { ids in
            let count = ids.firstIndex { Self.time(of: $0) >= oldest } ?? ids.count
            for id in ids[..<count] { unlink(file(id)) }
            ids.removeFirst(count)
        }
    }

    /// The file of a finding; `nil` where there is none.
    package func read(_ id: String) -> [UInt8]? {
        guard Self.isID(id) else { return nil }
        // Somebody may have put a pipe in its place.
        let descriptor = open(file(id), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard FileStatus(of: descriptor)?.isRegular == true else { return nil }
        var bytes = [UInt8](repeating: 0, count: Self.sizeLimit)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    /// The ids of the files that are there now.
    var all: [String] { ids.withLock { $0 } }

    /// Removes the files of findings that are to be forgotten.
    ///
    /// Returns how many there were.
    func remove(_ unwanted: Set<String>) -> Int {
        ids.withLock { ids in
            let before = ids.count
            ids.removeAll { id in
                guard unwanted.contains(id) else { return false }
                unlink(file(id))
                return true
            }
            return before - ids.count
        }
    }

    private func file(_ id: String) -> String { "\(path)/\(id)\(EvidenceFile.suffix)" }

    /// ms since 1970: the first ten characters, five bits each (`FindingIdentity`).
    private static func time(of id: String) -> UInt64 {
        let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8
        return id.utf8.prefix(10).reduce(UInt64(0)) { time, character in
            let digit = alphabet.firstIndex(of: character).map { alphabet.distance(from: alphabet.startIndex, to: $0) }
            return time << 5 | UInt64(digit ?? 0)
        }
    }
}
