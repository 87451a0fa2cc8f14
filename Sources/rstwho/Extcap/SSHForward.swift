// SPDX-License-Identifier: Apache-2.0
import Agent
import Glibc

/// An ssh client that forwards a Unix socket of this machine to an agent on another: `ssh -N -L SOCKET:ADDRESS HOST`.
///
/// Nobody can be asked for a password: keys or an ssh agent have to do. The client ends with this value.
struct SSHForward: ~Copyable {
    struct Failure: Error {
        var problem: String
        var status = ExitStatus.unavailable
    }

    /// Seconds within which the connection has to stand.
    private static let patience = 20

    private let directory: String
    private let process: pid_t

    var place: HTTPAddress { .unixSocket(path: "\(directory)/agent") }

    /// Connects, which takes as long as ssh takes.
    init(host: String, agent: HTTPAddress) throws(Failure) {
        (directory, process) = try Self.connect(host, agent)
    }

    private static func connect(_ host: String, _ agent: HTTPAddress) throws(Failure) -> (String, pid_t) {
        guard isHost(host) else {
            throw Failure(problem: "\(host): this is no host name for ssh", status: .usage)
        }
        let remote =
            switch agent {
            case .tcp(let name, let port): name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)"
            case .unixSocket(let path): path
            }
        var template = "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/rstwho-ssh.XXXXXX".utf8CString.map {
            $0
        }
        guard mkdtemp(&template) != nil else {
            throw Failure(problem: "a directory for the connection cannot be made: \(systemText())")
        }
        let directory = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let arguments = [
            "ssh", "-N", "-T", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-o", "ConnectTimeout=15",
            "-o", "ServerAliveInterval=15", "-L", "\(directory)/agent:\(remote)", "--", host,
        ]
        let process = start(arguments)
        guard process > 0 else {
            rmdir(directory)
            throw Failure(problem: "ssh cannot be started: \(systemText())")
        }
        if let problem = wait(process, directory) {
            end(process, directory)
            throw Failure(problem: "\(host): \(problem)")
        }
        return (directory, process)
    }

    deinit {
        Self.end(process, directory)
    }

    private static func end(_ process: pid_t, _ directory: String) {
        kill(process, SIGTERM)
        var isGone = false
        for _ in 0..<20 where !isGone {
            // Ended, or none of this process's any more.
            isGone = waitpid(process, nil, WNOHANG) != 0
            if !isGone { usleep(100_000) }
        }
        if !isGone {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        unlink("\(directory)/agent")
        rmdir(directory)
    }

    /// True for a name that ssh cannot take for an option or a command.
    static func isHost(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix("-") && text.utf8.count <= 255
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !#""'`$;&|<>(){}\*?"#.utf8.contains($0) }
    }

    private static func start(_ arguments: [String]) -> pid_t {
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Its messages go to standard error, which Wireshark shows; standard output may be the capture.
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        // Signals that are ignored here would be ignored there too, and nothing else ends it.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (all, none) = (sigset_t(), sigset_t())
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var process: pid_t = 0
        let status = posix_spawnp(&process, "ssh", &actions, &attributes, words, environ)
        if status != 0 { errno = status }
        return status == 0 ? process : 0
    }

    /// The reason why there is no connection; `nil` once there is.
    private static func wait(_ process: pid_t, _ directory: String) -> String? {
        for _ in 0..<(patience * 10) {
            if access("\(directory)/agent", F_OK) == 0 { return nil }
            var status: Int32 = 0
            if waitpid(process, &status, WNOHANG) == process {
                return "ssh made no connection. Try `ssh HOST true` on a terminal; it must ask for nothing"
            }
            usleep(100_000)
        }
        return "ssh made no connection in \(patience) s"
    }

    private static func systemText() -> String { String(cString: strerror(errno)) }
}
