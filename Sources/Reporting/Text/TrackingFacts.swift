// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The state that lines of conntrack(8) tell of connections that findings are about.
///
/// Bounded: 1,024 connections of findings, and the first eight lines are shown.
package struct TrackingFacts: Sendable {
    private static let capacity = 1024
    private static let shown = 8

    private var tracked: [FiveTuple: TrackedConnection] = [:]
    private var wanted: Set<FiveTuple> = []

    package init() {}

    /// Takes the connections of a text.
    package mutating func add(_ connections: [FiveTuple: TrackedConnection]) {
        tracked.merge(connections) { $1 }
    }

    /// Takes note of a finding's connection.
    package mutating func note(_ tuple: FiveTuple) {
        if wanted.count < Self.capacity { wanted.insert(tuple) }
    }

    /// A line for each connection of a finding that is tracked; empty without any.
    package var text: String {
        let found = tracked.values.filter { connection in
            [connection.original, connection.original.reversed, connection.reply, connection.reply.reversed]
                .contains { wanted.contains($0) }
        }
        let lines = found.map { Self.line($0) }.sorted()
        return lines.prefix(Self.shown).map { $0 + "\n" }.joined()
    }

    private static func line(_ connection: TrackedConnection) -> String {
        let state = connection.state.map { " in \($0)" } ?? ""
        var text = "conntrack has \(ends(connection.original))\(state)"
        if connection.isTranslated { text += ", translated: replies come as \(ends(connection.reply))" }
        if !connection.isReplied { text += "; it saw no packet of the reply direction" }
        if connection.state == "CLOSE" { text += "; it saw a reset" }
        return text + "."
    }

    private static func ends(_ tuple: FiveTuple) -> String {
        "\(end(tuple.source, tuple.sourcePort)) > \(end(tuple.destination, tuple.destinationPort))"
    }

    private static func end(_ address: IPAddress, _ port: UInt16) -> String {
        let text = "\(address)"
        return text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)"
    }
}
