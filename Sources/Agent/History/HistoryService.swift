// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import ServiceLifecycle

/// Keeps the history of a running agent: stores findings in batches as they come, what is known of hosts and paths
/// every few seconds.
package struct HistoryService: Service {
    /// The time for which findings are collected into one transaction.
    private static let batchInterval = Duration.milliseconds(250)
    /// The maximum age of stored baselines, apart from the changes that `HostRecord.essence` ignores.
    private static let baselineInterval = Duration.seconds(4)
    /// The maximum age of stored paths, except at the start: on a busy link all of them change every second.
    private static let pathInterval = Duration.seconds(20)
    private static let pruningInterval = Duration.seconds(60)

    private let history: History
    private let state: AgentState

    package init(history: History, state: AgentState) {
        self.history = history
        self.state = state
    }

    /// Runs until a graceful shutdown, and stores what waits then.
    ///
    /// Never throws.
    package func run() async {
        var nextBaselines = ContinuousClock.now + Self.baselineInterval
        var nextPaths = nextBaselines
        var nextPruning = ContinuousClock.now
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            history.retry()
            await history.store()
            if ContinuousClock.now >= nextBaselines {
                nextBaselines = .now + Self.baselineInterval
                if let memory = try? await state.engineRequests.ask({ $0.memory }) {
                    await history.store(memory, state.clockCorrection)
                }
            }
            if ContinuousClock.now >= nextPaths {
                nextPaths = .now + Self.pathInterval
                if let paths = try? await state.engineRequests.ask({ $0.pathSnapshot }) {
                    let correction = state.clockCorrection
                    await history.store(paths.summaries().corrected(by: correction, correction.apply))
                }
            }
            if ContinuousClock.now >= nextPruning {
                nextPruning = .now + Self.pruningInterval
                await history.prune()
            }
            try? await Task.sleep(for: Self.batchInterval)
        }
        await history.store()
    }
}
