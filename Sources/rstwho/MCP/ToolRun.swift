// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One run of a command of this program in a process of its own, bounded in time and output: what goes wrong with a
/// hostile capture ends that process only.
struct ToolRun {
    /// Bytes of standard output and of standard error that are kept.
    static let outputLimit = 1 << 18
    private static let messageLimit = 1 << 14
    /// Seconds until it is ended.
    static let patience: Int64 = 120

    private(set) var output: [UInt8] = []
    private(set) var messages: [UInt8] = []
    /// Its exit status; `nil` where it was ended, or could not be started.
    private(set) var status: Int32?
    /// There was more than is kept.
    private(set) var isCut = false
    private(set) var isLate = false

    /// Runs this program with these words, and waits for its end.
    init(_ words: [String]) {
        var outputs: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]
        guard pipe(&outputs) == 0 else { return }
        guard pipe(&errors) == 0 else {
            for end in outputs { close(end) }
            return
        }
        // The child's copies are made by the actions below.
        for end in outputs + errors { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let child = Self.start(words, output: outputs[1], errors: errors[1])
        close(outputs[1])
        close(errors[1])
        defer {
            close(outputs[0])
            close(errors[0])
        }
        guard let child else { return }
        read(outputs[0], errors[0], until: .now + .seconds(Self.patience))
        if isLate || isCut { kill(child, SIGKILL) }
        var ended: Int32 = 0
        while waitpid(child, &ended, 0) < 0, errno == EINTR {}
        if ended & 0x7f == 0 { status = ended >> 8 & 0xff }
    }

    private static func start(_ words: [String], output: Int32, errors: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        var pointers = (["rstwho"] + words).map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        return posix_spawn(&child, "/proc/self/exe", &actions, nil, pointers, environ) == 0 ? child : nil
    }

    /// Reads both pipes to their ends.
    private mutating func read(_ outputs: Int32, _ errors: Int32, until end: ContinuousClock.Instant) {
        var polled = [
            pollfd(fd: outputs, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while polled.contains(where: { $0.fd >= 0 }), !isCut {
            let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
            guard left > 0 else {
                isLate = true
                return
            }
            guard poll(&polled, 2, Int32(left.rounded(.up))) >= 0 || errno == EINTR else { return }
            for index in 0..<2 where polled[index].revents != 0 {
                let count = Glibc.read(polled[index].fd, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    polled[index].fd = -1
                    continue
                }
                keep(chunk[..<count], isOutput: index == 0)
            }
        }
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>, isOutput: Bool) {
        if isOutput {
            let room = Self.outputLimit - output.count
            output += bytes.prefix(room)
            isCut = bytes.count > room
        } else {
            messages += bytes.prefix(Self.messageLimit - messages.count)
        }
    }
}
