// SPDX-License-Identifier: Apache-2.0
import Capture
import Glibc

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

    /// Hands over each line of a descriptor; `name` is for messages.
    static func read(_ descriptor: Int32, _ name: String, _ handle: (String) -> Void) throws(CaptureError) {
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
