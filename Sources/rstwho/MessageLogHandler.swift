// SPDX-License-Identifier: Apache-2.0
import Logging

/// What libraries log, as messages of ours with their metadata as `key=value`.
struct MessageLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    // Libraries log each connection that breaks; what matters to people comes as an error that is thrown.
    var logLevel = Logger.Level.critical

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        printMessage("\(event.message)\(pairs.joined())", level: event.level)
    }
}
