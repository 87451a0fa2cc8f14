// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import Logging

/// `rstwho-fleet`, the program that talks to the fleet's store: this one needs neither network nor TLS for its work.
enum StoreProgram {
    private static let name = "rstwho-fleet"

    /// The program's path: beside this program, or in PATH.
    private static func path() throws -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        var directories: [Substring] = []
        if count > 0, let end = buffer[..<count].lastIndex(of: UInt8(ascii: "/")) {
            directories.append(Substring(decoding: buffer[..<end], as: UTF8.self))
        }
        directories += (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        for directory in directories where access("\(directory)/\(name)", X_OK) == 0 { return "\(directory)/\(name)" }
        printMessage(
            "\(name) is not installed, neither beside this program nor in PATH. `make fleet` builds it; questions about "
                + "records in files need none: --from", level: .error)
        throw ExitStatus.unavailable.exitCode
    }

    /// Becomes that program.
    static func become(_ arguments: [String]) throws -> Never {
        let path = try path()
        var pointers = ([name] + arguments).map { strdup($0) }
        pointers.append(nil)
        execv(path, pointers)
        printMessage("\(path): \(String(cString: strerror(errno)))", level: .error)
        throw ExitStatus.unavailable.exitCode
    }

    /// Runs it, and hands over the lines that it prints; its messages go to standard error.
    ///
    /// - Throws: its exit status where that is not 0.
    static func read(_ arguments: [String], _ handle: (String) -> Void) throws {
        let path = try path()
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            printMessage("no pipe: \(String(cString: strerror(errno)))", level: .error)
            throw ExitStatus.ioError.exitCode
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        var pointers = ([name] + arguments).map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, path, &actions, nil, pointers, environ)
        close(ends[1])
        defer { close(ends[0]) }
        guard result == 0 else {
            printMessage("\(path): \(String(cString: strerror(result)))", level: .error)
            throw ExitStatus.unavailable.exitCode
        }
        try? RecordLines.read(ends[0], name, handle)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard status & 0x7f == 0 else {
            printMessage("\(name) was ended by signal \(status & 0x7f)", level: .error)
            throw ExitStatus.unavailable.exitCode
        }
        let code = status >> 8 & 0xff
        if code != 0 { throw ExitCode(code) }
    }
}
