// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Glibc

/// The annotated capture on its way out: a file that appears under its name when it is complete, or a descriptor.
///
/// The first failure is kept; what is written after it goes nowhere.
package final class AnnotationOutput {
    /// The failure of an output.
    package struct Failure: Error {
        package var path: String
        package var errno: Int32

        /// True where the reader of a pipe has gone.
        package var isClosed: Bool { errno == EPIPE }
        package var description: String { "\(path): \(String(cString: strerror(errno)))" }
    }

    private static let bound = 1 << 18

    private let path: String
    private let temporary: String?
    private let descriptor: Int32
    private let ownsDescriptor: Bool
    private var buffer: [UInt8] = []
    package private(set) var failure: Failure?
    /// Bytes given so far.
    package private(set) var written: UInt64 = 0
    private var isDone = false

    /// Writes to a descriptor, which stays open.
    package init(descriptor: Int32, name: String) {
        path = name
        temporary = nil
        self.descriptor = descriptor
        ownsDescriptor = false
    }

    /// Writes to a file, which is not there, or as it was, until `finish`; a pipe or device of that name is written to
    /// as it is.
    package init(path: String) throws(Failure) {
        self.path = path
        ownsDescriptor = true
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            temporary = nil
            descriptor = open(path, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw Failure(path: path, errno: errno) }
            return
        }
        var name = Self.temporaryName(path).utf8CString.map { $0 }
        descriptor = mkstemp(&name)
        temporary = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { throw Failure(path: path, errno: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // Packets are for their owner and group, as evidence files are.
        let mask = umask(0)
        umask(mask)
        fchmod(descriptor, 0o640 & ~mask)
    }

    deinit {
        guard ownsDescriptor, descriptor >= 0 else { return }
        close(descriptor)
        if !isDone, let temporary { unlink(temporary) }
    }

    private static func temporaryName(_ path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return (parts.dropLast().map(String.init) + [".\(parts.last ?? "").XXXXXX"]).joined(separator: "/")
    }

    package func write(_ bytes: [UInt8]) {
        buffer += bytes
        written += UInt64(bytes.count)
        if buffer.count >= Self.bound { flush() }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) {
        buffer.append(contentsOf: bytes)
        written += UInt64(bytes.count)
        if buffer.count >= Self.bound { flush() }
    }

    /// Lets a block be built in place.
    package func write(_ build: (inout [UInt8]) -> Int) -> Int {
        let before = buffer.count
        let result = build(&buffer)
        written += UInt64(buffer.count - before)
        if buffer.count >= Self.bound { flush() }
        return result
    }

    /// Writes what is buffered.
    package func flush() {
        var position = 0
        while position < buffer.count, failure == nil {
            let count = buffer.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + position }, bytes.count - position)
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { failure = Failure(path: path, errno: count == 0 ? ENOSPC : errno) }
            position += max(count, 0)
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Takes back what was given after `length` bytes, where the output can: a block whose end never came.
    package func cut(to length: UInt64) {
        flush()
        guard temporary != nil, length < written else { return }
        if ftruncate(descriptor, Int(length)) != 0 { failure = failure ?? Failure(path: path, errno: errno) }
        lseek(descriptor, 0, SEEK_END)
        written = length
    }

    /// Completes the file and gives it its name.
    ///
    /// - Throws: the first failure; nothing is then left under that name that was not there before.
    package func finish() throws(Failure) {
        flush()
        if let failure { throw failure }
        guard let temporary else { return }
        guard rename(temporary, path) == 0 else { throw Failure(path: path, errno: errno) }
        isDone = true
    }

    /// True where both names lead to the same file.
    package static func isSame(_ output: String, as input: Int32) -> Bool {
        var (left, right) = (stat(), stat())
        guard stat(output, &left) == 0, fstat(input, &right) == 0 else { return false }
        guard left.st_mode & S_IFMT == S_IFREG else { return false }
        return left.st_dev == right.st_dev && left.st_ino == right.st_ino
    }
}
