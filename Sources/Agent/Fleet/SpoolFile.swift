// SPDX-License-Identifier: Apache-2.0
internal import CCompression
internal import Capture
internal import Glibc

/// One batch of records on its way to the disk: JSON Lines, gzip, under a name with `.part` until it is whole.
///
/// What was written is flushed once a second, so that a crash costs no more than that.
struct SpoolFile: ~Copyable {
    /// The batch's name without `.part`.
    let name: String
    private let directory: String
    private let file: Int32
    private let stream: gzFile
    private(set) var rows = 0
    /// Bytes before compression.
    private(set) var bytes = 0

    /// - Throws: The reason, as the kernel gives it.
    init(_ name: String, in directory: String) throws(SpoolFault) {
        self.name = name
        self.directory = directory
        let path = "\(directory)/\(name).part"
        file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard file >= 0 else { throw SpoolFault(path, errno) }
        // gzclose closes its descriptor, and the file has to be synchronised after that.
        let copy = fcntl(file, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0, let stream = gzdopen(copy, "wb1") else {
            let failed = errno
            close(file)
            unlink(path)
            throw SpoolFault(path, failed)
        }
        self.stream = stream
    }

    private var path: String { "\(directory)/\(name).part" }

    /// Appends a record's line, with its line feed.
    mutating func append(_ line: String) throws(SpoolFault) {
        var line = line
        let written = line.withUTF8 { gzwrite(stream, $0.baseAddress, UInt32($0.count)) }
        guard written == Int32(line.utf8.count) else { throw SpoolFault(path, errno) }
        rows += 1
        bytes += line.utf8.count
    }

    func flush() throws(SpoolFault) {
        guard gzflush(stream, Z_SYNC_FLUSH) == Z_OK else { throw SpoolFault(path, errno) }
    }

    /// Makes the batch whole, under its final name.
    ///
    /// Returns its size on the disk, bytes.
    consuming func finish() throws(SpoolFault) -> Int {
        let isWritten = gzclose(stream) == Z_OK && fsync(file) == 0
        let failed = errno
        var status = stat()
        fstat(file, &status)
        close(file)
        guard isWritten, rename(path, "\(directory)/\(name)") == 0 else {
            let reason = isWritten ? errno : failed
            unlink(path)
            throw SpoolFault(path, reason)
        }
        return Int(status.st_size)
    }

    /// Gives the batch up.
    consuming func discard() {
        gzclose(stream)
        close(file)
        unlink(path)
    }

    /// Reads the whole lines of a batch, also of one that was cut.
    ///
    /// - `limit`: Bytes that are read at most: a batch is far smaller, and what is larger was not written here.
    static func lines(of path: String, limit: Int = 64 << 20) -> (lines: [String], isCut: Bool)? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, let stream = gzdopen(file, "rb") else {
            close(file)
            return nil
        }
        defer { gzclose(stream) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var isCut = false
        while bytes.count < limit {
            let count = gzread(stream, &buffer, UInt32(buffer.count))
            if count > 0 { bytes.append(contentsOf: buffer[..<Int(count)]) }
            if count < Int32(buffer.count) {
                isCut = count < 0 || gzeof(stream) == 0
                break
            }
        }
        let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        isCut = isCut || end < bytes.count
        let lines = bytes[..<end].split(separator: UInt8(ascii: "\n")).map {
            String(decoding: $0, as: UTF8.self) + "\n"
        }
        return (lines, isCut)
    }
}

/// A file of the spool that could not be written.
struct SpoolFault: Error, Equatable {
    var path: String
    var number: Int32

    init(_ path: String, _ number: Int32) {
        self.path = path
        self.number = number
    }

    var description: String { "\(path): \(SystemError.text(number))" }
}
