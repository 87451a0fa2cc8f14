// SPDX-License-Identifier: Apache-2.0
import Agent
import Logging

/// The log handler that turns library messages into rstwho's own: metadata become journal fields, or `key=value`
/// elsewhere.
struct MessageLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    private var wanted: Logger.Level?

    // Libraries log each connection that breaks; what matters to people comes as an error that is thrown. So they are
    // heard only where somebody looks for something.
    var logLevel: Logger.Level {
        get { wanted ?? (MessageThreshold.tells(.debug) ? .debug : .critical) }
        set { wanted = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        printMessage(
            "\(event.message)\(Journal.isThere ? "" : pairs.joined())", level: event.level,
            fields: all.mapValues { "\($0)" })
    }
}
