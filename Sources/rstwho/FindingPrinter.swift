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

    /// What the agent hands findings to.
    let queue: FindingQueue
    private let format: OutputOptions.Format
    private let wakeup: DispatchSemaphore
    private let packets: (@Sendable () -> UInt64)?
    private let done = DispatchSemaphore(value: 0)
    private let failure = Mutex<Int32>(0)

    /// - Parameter packets: for the summary at the end: how many were seen; `nil`: no summary.
    init(format: OutputOptions.Format, packets: (@Sendable () -> UInt64)?) {
        self.format = format
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
                try await OwnThread.run(named: "rstwho-output") { try self.printAll() }
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
        var report = TextReport(isColoured: output.isColoured)
        var isOpen = true
        while isOpen {
            wakeup.wait()
            let taken = queue.take()
            for finding in taken.findings {
                switch format {
                case .json: try output.write(JSONLines.line(finding))
                case .text: try output.write(report.text(finding))
                }
            }
            try output.flush()
            if taken.dropped > 0 {
                printMessage("\(taken.dropped) findings were not printed: standard output is read too slowly")
            }
            isOpen = !taken.isClosed
        }
        if format == .text, let packets {
            try output.write(report.summary(packets: packets()))
            try output.flush()
        }
    }
}
