// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// Another process that captures on an interface of the calling thread's namespace, until it is killed.
final class Holder {
    let pid: pid_t
    private var isRunning = true

    /// The capabilities of the service.
    ///
    /// CAP_SYS_ADMIN, which programs' names take, is not among them.
    private static let service = [
        "setpriv", "--no-new-privs", "--bounding-set", "-all,+bpf,+net_admin,+perfmon", "--inh-caps", "-all",
    ]

    /// Starts it and waits until it captures.
    init(interface: String, _ way: AttachWay, asService: Bool = false) throws {
        let ours = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(filePath: ours).deletingLastPathComponent().appending(path: "live-holder").path
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw LiveError("no pipe") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        let words: [String] = (asService ? Self.service : []) + [program, interface, way.rawValue]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        let failed = posix_spawnp(&pid, words[0], &actions, nil, &arguments, environ)
        close(ends[1])
        defer { close(ends[0]) }
        guard failed == 0 else { throw LiveError("\(program): error \(failed)") }
        self.pid = pid
        // One byte once it captures; the end of the pipe if it died before.
        var byte: UInt8 = 0
        guard read(ends[0], &byte, 1) == 1 else { throw LiveError("\(program) does not capture") }
    }

    deinit {
        kill()
    }

    /// Ends it without a chance to clean up.
    func kill() {
        guard isRunning else { return }
        isRunning = false
        Glibc.kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }
}
