// SPDX-License-Identifier: Apache-2.0
internal import Reporting

extension HistoryStatus {
    var metrics: MetricsSnapshot.History {
        var metrics = MetricsSnapshot.History()
        metrics.isUp = isUp
        metrics.errors = HistoryFault.Reason.allCases.map { ($0.rawValue, errors[$0] ?? 0) }
        metrics.dropped = dropped
        metrics.stored = stored
        metrics.bytes = bytes
        return metrics
    }
}
