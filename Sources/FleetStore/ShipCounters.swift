// SPDX-License-Identifier: Apache-2.0
package import Fleet

/// The counters of `rstwho ship`, as text for node_exporter's textfile collector.
package struct ShipCounters: Sendable, Equatable {
    package var batches: [FleetRecord.Kind: Int] = [:]
    package var bytes: [FleetRecord.Kind: Int] = [:]
    package var refused: [FleetRecord.Kind: Int] = [:]
    package var failures: [String: Int] = [:]
    /// Waiting batches, their bytes and the age of the oldest in seconds.
    package var waiting = 0
    package var waitingBytes = 0
    package var oldest = 0
    /// The last time that a batch was stored, seconds since 1970; 0 before the first.
    package var lastSuccess = 0

    package init() {}

    package mutating func fail(_ kind: StoreError.Class) { failures[Self.name(kind), default: 0] += 1 }

    private static func name(_ kind: StoreError.Class) -> String {
        switch kind {
        case .batch: "batch"
        case .configuration: "configuration"
        case .retry: "retry"
        }
    }

    package var text: String {
        var text = ""
        func family(_ name: String, _ type: String, _ help: String, _ samples: [(String, Int)]) {
            text += "# HELP rstwho_ship_\(name) \(help)\n# TYPE rstwho_ship_\(name) \(type)\n"
            for (labels, value) in samples { text += "rstwho_ship_\(name)\(labels) \(value)\n" }
        }
        func byTable(_ counts: [FleetRecord.Kind: Int]) -> [(String, Int)] {
            FleetRecord.Kind.allCases.map { ("{table=\"\($0.table)\"}", counts[$0] ?? 0) }
        }
        family("batches_total", "counter", "Batches that the store has taken.", byTable(batches))
        family("bytes_total", "counter", "Compressed bytes that the store has taken.", byTable(bytes))
        family("refused_total", "counter", "Batches set aside because no server takes them.", byTable(refused))
        family(
            "failures_total", "counter", "Attempts that failed, by the way out.",
            ["batch", "configuration", "retry"].map { ("{class=\"\($0)\"}", failures[$0] ?? 0) })
        family("spool_batches", "gauge", "Batches that wait.", [("", waiting)])
        family("spool_bytes", "gauge", "Compressed bytes that wait.", [("", waitingBytes)])
        family("spool_seconds", "gauge", "Age of the oldest batch that waits.", [("", oldest)])
        family(
            "last_success_timestamp_seconds", "gauge", "Last time that a batch was stored; 0 for never.",
            [("", lastSuccess)])
        return text
    }
}
