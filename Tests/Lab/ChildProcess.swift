// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// A program that the lab started.
///
/// Its output goes to files; it is killed and reaped when the last reference goes.
final class ChildProcess {
    let name: String
    let standardOutput: URL
    let standardError: URL
    private(set) var pid: pid_t
    private var status: Int32?

    /// Starts `arguments[0]`, looked up in PATH, with no input.
    ///
    /// Throws `LabError` if it cannot be started.
    init(_ arguments: [String], standardOutput: URL, standardError: URL) throws {
        name = arguments.joined(separator: " ")
        self.standardOutput = standardOutput
        self.standardError = standardError

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let create = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, standardOutput.path, create, 0o600)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, standardError.path, create, 0o600)

        // The test runner's signal mask is not the child's: a blocked SIGINT would make it deaf.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        argv.append(nil)
        defer { argv.forEach { free($0) } }
        pid = 0
        let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, environ)
        guard code == 0 else {
            status = code
            throw LabError("cannot start \(name): \(String(cString: strerror(code)))")
        }
    }

    deinit {
        if status == nil {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
    }

    /// True until the program has ended.
    var isRunning: Bool {
        poll() == nil
    }

    /// Sends a signal, unless the program has ended.
    func send(_ signal: Int32) {
        if poll() == nil {
            kill(pid, signal)
        }
    }

    /// Waits for the end and returns the exit status, or 128 and the signal as a shell does.
    ///
    /// Throws `LabError` if it takes longer than `timeout` seconds; the program is then killed.
    func wait(timeout: Double) throws -> Int32 {
        if let status = waited(atMost: timeout, until: { self.poll() }) {
            return status
        }
        kill(pid, SIGKILL)
        throw LabError("\(name): still running after \(timeout) s\n\(text(standardError))")
    }

    /// Waits until a line of standard error contains `text`, which a program prints when it is ready.
    func waitForStandardError(_ expected: String, timeout: Double) throws {
        let found: Bool? = waited(atMost: timeout) {
            if self.text(self.standardError).contains(expected) {
                return true
            }
            return self.poll() == nil ? nil : false
        }
        guard found == true else {
            throw LabError("\(name): no '\(expected)' within \(timeout) s\n\(text(standardError))")
        }
    }

    /// Waits for a line of standard error with `text`; false if there is none within `seconds`.
    ///
    /// Throws `LabError` if the program ends without it.
    func hasPrinted(_ expected: String, within seconds: Double) throws -> Bool {
        let found = waited(atMost: seconds) { self.text(self.standardError).contains(expected) ? true : nil } ?? false
        guard found || isRunning else { throw LabError("\(name): ended\n\(text(standardError))") }
        return found
    }

    private func text(_ file: URL) -> String {
        (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private func poll() -> Int32? {
        if let status {
            return status
        }
        var raw: Int32 = 0
        guard waitpid(pid, &raw, WNOHANG) == pid else {
            return nil
        }
        let signal = raw & 0x7f
        status = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
        return status
    }
}

/// Asks every 10 ms until there is an answer, for `seconds` at most.
func waited<Answer>(atMost seconds: Double, until answer: () throws -> Answer?) rethrows -> Answer? {
    let end = ContinuousClock.now + .seconds(seconds)
    repeat {
        if let found = try answer() {
            return found
        }
        usleep(10_000)
    } while ContinuousClock.now < end
    return try answer()
}
