// SPDX-License-Identifier: Apache-2.0
import Agent
import Dispatch
import Glibc

/// Work that signals end in an orderly way.
enum Interrupts {
    /// Runs blocking work on a thread of its own.
    ///
    /// - `onInterrupt`: called at one of `TerminationSignals`; must make `work` return soon.
    static func run(
        onInterrupt: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () -> String?
    ) async -> String? {
        let sources = TerminationSignals.numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler(handler: onInterrupt)
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        do {
            return try await BlockingThread.run(named: "rstwho-follow", work)
        } catch {
            return "\(error)"
        }
    }
}
