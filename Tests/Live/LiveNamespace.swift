// SPDX-License-Identifier: Apache-2.0
import Capture
import Foundation
import Glibc
import LiveSupport
import Synchronization
import Testing

/// An error in a test's own environment.
struct LiveError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Whether tests with interfaces of their own can run here.
enum LiveRequirements {
    static let areMet = Privilege.current().missing.isEmpty && access("/usr/sbin/ip", X_OK) == 0
    static let reason: Comment = "needs root (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON) and ip"
}

/// Runs a test's body on a thread of its own in a network namespace of its own, which has no name and vanishes with the
/// thread.
func inNamespace(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await NamespaceActor().run(body)
}

/// An actor whose thread is in a namespace of its own: the test's task, to which failures belong, goes there.
private actor NamespaceActor {
    private let executor = NamespaceExecutor()

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func run(_ body: () throws -> Void) throws {
        if let failure = executor.failure { throw failure }
        try body()
    }
}

/// One thread, and what it has to do.
private final class NamespaceExecutor: SerialExecutor {
    private enum Work: Sendable {
        case job(UnownedJob)
        case end
    }

    private struct State {
        var work: [Work] = []
        var failure: LiveError?
    }

    private let state: Arc
    private let waiting: DispatchSemaphore

    /// Outlives the executor as long as its thread does.
    private final class Arc: Sendable {
        let mutex = Mutex(State())
    }

    init() {
        let state = Arc()
        let waiting = DispatchSemaphore(value: 0)
        let ready = DispatchSemaphore(value: 0)
        self.state = state
        self.waiting = waiting
        let executor = Unowned(self)
        Thread {
            let failed = live_new_namespace()
            if failed != 0 {
                state.mutex.withLock { $0.failure = LiveError("no new namespace: error \(-failed)") }
            }
            ready.signal()
            while true {
                waiting.wait()
                guard case .job(let job)? = state.mutex.withLock({ $0.work.isEmpty ? nil : $0.work.removeFirst() })
                else {
                    return
                }
                job.runSynchronously(on: executor.value)
            }
        }.start()
        ready.wait()
    }

    /// The executor as its own thread knows it: a job keeps the actor, and the actor keeps the executor.
    private struct Unowned: Sendable {
        let value: UnownedSerialExecutor

        init(_ executor: NamespaceExecutor) {
            value = UnownedSerialExecutor(ordinary: executor)
        }
    }

    deinit {
        state.mutex.withLock { $0.work.append(.end) }
        waiting.signal()
    }

    var failure: LiveError? { state.mutex.withLock { $0.failure } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.mutex.withLock { $0.work.append(.job(job)) }
        waiting.signal()
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }
}

/// Runs a program in the calling thread's namespace; returns what it printed, throws where it fails.
@discardableResult
func command(_ line: String) throws -> String {
    try command(line.split(separator: " ").map(String.init))
}

/// The same, for arguments with spaces.
@discardableResult
func command(_ words: [String]) throws -> String {
    let line = words.joined(separator: " ")
    var pipes: [Int32] = [0, 0]
    guard pipe(&pipes) == 0 else { throw LiveError("no pipe") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for output in [STDOUT_FILENO, STDERR_FILENO] { posix_spawn_file_actions_adddup2(&actions, pipes[1], output) }
    posix_spawn_file_actions_addclose(&actions, pipes[0])
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var pid: pid_t = 0
    let failed = posix_spawnp(&pid, arguments[0] ?? strdup(""), &actions, nil, &arguments, environ)
    close(pipes[1])
    defer { close(pipes[0]) }
    guard failed == 0 else { throw LiveError("\(line): error \(failed)") }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(pipes[0], &chunk, chunk.count)
        guard count > 0 else { break }
        text += chunk[..<count]
    }
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    let output = String(decoding: text, as: UTF8.self)
    guard status == 0 else { throw LiveError("\(line): \(output)") }
    return output
}

/// Makes two interfaces that are each other's other end, both up, in the calling thread's namespace, with IPv6 off so
/// that nothing but the test sends.
///
/// Returns their indices.
@discardableResult
func makePair(_ left: String, _ right: String) throws -> (left: Int32, right: Int32) {
    try command("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
    try command("ip link add \(left) type veth peer name \(right)")
    try command("ip link set \(left) up")
    try command("ip link set \(right) up")
    return (Int32(if_nametoindex(left)), Int32(if_nametoindex(right)))
}
