// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Dispatch
import Glibc
import Reporting
import Synchronization

/// Prints an agent's findings on standard output, on a thread of its own: whoever reads them slowly holds up nobody.
final class FindingPrinter: Sendable {
    /// Findings that may wait for a slow reader; what comes then is not printed, and said so.
    private static let capacity = 65_536

    /// The time to wait for findings while repeats wait for the end of their window, in seconds.
    private static let patience = 1

    /// The queue that the agent puts findings into.
    let queue: FindingQueue
    private let format: Configuration.Format
    private let isGrouped: Bool
    private let privacy: AddressPrivacy
    private let wakeup: DispatchSemaphore
    private let packets: @Sendable () -> UInt64?
    private let done = DispatchSemaphore(value: 0)
    private let failure = Mutex<Int32>(0)

    /// - Parameters:
    ///   - configuration: how findings are printed: the format, repeats as one with a count, how addresses are shown.
    ///   - packets: for the summary at the end: how many were seen; `nil`: no summary.
    init(_ configuration: Configuration, packets: @escaping @Sendable () -> UInt64?) {
        format = configuration.format
        isGrouped = configuration.isGrouped
        privacy = AddressPrivacy(configuration.addresses)
        self.packets = packets
        let wakeup = DispatchSemaphore(value: 0)
        self.wakeup = wakeup
        queue = FindingQueue(capacity: Self.capacity, policy: .drop) { wakeup.signal() }
    }

    /// The error that ended printing; 0 if there was none.
    var failedWith: Int32 { failure.withLock { $0 } }

    /// Begins to print.
    ///
    /// - Parameter failed: called where standard output cannot be written any more.
    func start(failed: @escaping @Sendable () -> Void) {
        Task {
            do {
                try await BlockingThread.run(named: "rstwho-output") { try self.printAll() }
            } catch {
                self.failure.withLock { $0 = (error as? OutputError)?.errno ?? EIO }
                failed()
            }
            self.done.signal()
        }
    }

    /// Waits until everything is printed, but not longer than `seconds` for a reader that does not read.
    func finish(seconds: Int) {
        queue.close()
        if done.wait(timeout: .now() + .seconds(seconds)) == .timedOut {
            printMessage("standard output is not read; some findings were not printed")
        }
    }

    private func printAll() throws(OutputError) {
        var output = StandardOutput()
        var report = TextReport(isColoured: output.isColoured, drawing: output.style.drawing)
        var isOpen = true
        var groups = FindingGroups()
        while isOpen {
            if isGrouped { _ = wakeup.wait(timeout: .now() + .seconds(Self.patience)) } else { wakeup.wait() }
            let taken = queue.take()
            let now = DispatchTime.now().uptimeNanoseconds
            var told = isGrouped ? groups.expire(now: now) : []
            for finding in taken.findings { told += isGrouped ? groups.add(finding, now: now) : [finding] }
            if taken.isClosed { told += groups.finish() }
            for finding in told {
                switch format {
                case .json: try output.write(privacy.apply(to: JSONLines.line(finding)))
                case .text: try output.write(privacy.apply(to: report.text(finding)))
                }
            }
            try output.flush()
            if taken.dropped > 0 {
                printMessage("\(taken.dropped) findings were not printed: standard output is read too slowly")
            }
            isOpen = !taken.isClosed
        }
        if format == .text, let packets = packets() {
            try output.write(privacy.apply(to: report.summary(packets: packets)))
            try output.flush()
        }
    }
}
