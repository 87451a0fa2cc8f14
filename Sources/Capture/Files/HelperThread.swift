// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A thread that does one thing and is waited for.
struct HelperThread: ~Copyable {
    private final class Task {
        let body: () -> Void

        init(_ body: @escaping () -> Void) { self.body = body }
    }

    private let thread: pthread_t

    /// Runs `body` on a thread of its own.
    ///
    /// What it uses must not be used by others until `join` returned, but for what is made for that. `nil` where no
    /// thread can be had.
    init?(_ body: @escaping () -> Void) {
        let task = Unmanaged.passRetained(Task(body))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Task>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, task.toOpaque())
        guard failure == 0 else {
            task.release()
            return nil
        }
        self.thread = thread
    }

    /// Waits for its end.
    consuming func join() {
        pthread_join(thread, nil)
    }
}
