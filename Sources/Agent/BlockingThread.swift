// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Work that blocks, on a thread of its own, so that Swift's shared threads stay free.
package enum BlockingThread {
    private final class Job {
        let name: String
        let work: () -> Void

        init(name: String, work: @escaping () -> Void) {
            self.name = name
            self.work = work
        }
    }

    /// Runs `work` on a new thread and gives what it returns or throws.
    ///
    /// - `name`: at most 15 bytes; tools such as top show it.
    package static func run<Result: Sendable>(
        named name: String, _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try start(named: name) { continuation.resume(with: Swift.Result { try work() }) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    /// Begins `work` on a new thread, whether or not one of Swift's threads is free.
    ///
    /// - `name`: as with `run`.
    package static func start(named name: String, _ work: @escaping @Sendable () -> Void) throws(ThreadError) {
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(Job(name: name, work: work))
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
                BlockingThread.setName(job.name)
                job.work()
                return nil
            }, retained.toOpaque())
        guard failure == 0 else {
            retained.release()
            throw ThreadError(errno: failure)
        }
        pthread_detach(thread)
    }

    private static func setName(_ name: String) {
        // What pthread_setname_np(3) does; Swift's Glibc does not show it. A thread without a name works as well.
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = write(file, name, name.utf8.count)
        close(file)
    }

    package struct ThreadError: Error, CustomStringConvertible {
        package var errno: Int32

        package var description: String { "no thread can be made: \(String(cString: strerror(errno)))" }
    }
}
