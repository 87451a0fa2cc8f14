// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Reading of ordinary files of bounded size.
package enum SmallFile {
    /// Why a file was not read, as the end of a sentence about it.
    package struct Failure: Error, Sendable {
        package var problem: String

        package init(problem: String) {
            self.problem = problem
        }
    }

    /// A file's bytes.
    ///
    /// Devices, directories and pipes are refused without waiting for them.
    ///
    /// - `limit`: bytes that it may have.
    package static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw Failure(problem: "cannot be read: \(SystemError.text(errno))") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(problem: "is no ordinary file")
        }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Failure(problem: "cannot be read: \(SystemError.text(errno))") }
            if got == 0 { break }
            count += got
        }
        guard count <= limit else { throw Failure(problem: "has more than \(limit / 1024) KiB") }
        return Array(bytes[..<count])
    }
}
