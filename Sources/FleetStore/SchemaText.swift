// SPDX-License-Identifier: Apache-2.0

/// Renders the text of a migration for a server.
package struct SchemaText: Sendable, Equatable {
    package var dialect: Dialect
    package var database: String
    /// Replicated tables, by the server's macros `{shard}` and `{replica}`.
    package var isReplicated: Bool

    package init(dialect: Dialect, database: String, isReplicated: Bool) {
        self.dialect = dialect
        self.database = database
        self.isReplicated = isReplicated
    }

    /// The statements of a migration, in order, without comments.
    package func statements(_ text: String) -> [String] {
        let plain = text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("--") }
        return plain.split(whereSeparator: { $0 == ";;" })
            .map { render($0.joined(separator: "\n")) }
            .filter { $0.contains { !$0.isWhitespace } }
    }

    private func render(_ text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            guard let close = rest[open...].firstIndex(of: "}") else { break }
            result += value(rest[rest.index(after: open)..<close])
            rest = rest[rest.index(after: close)...]
        }
        result += rest
        // What a server does not have leaves its line empty.
        return result.split(separator: "\n").map { line in
            String(line.reversed().drop { $0 == " " }.reversed())
        }.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func value(_ placeholder: Substring) -> String {
        let parts = placeholder.split(separator: ":", maxSplits: 1)
        let argument = parts.count > 1 ? String(parts[1]) : ""
        let isCurrent = dialect.isCurrent
        switch parts.first {
        case "database": return database
        case "ip": return isCurrent ? "IPv6" : "String"
        case "name": return isCurrent ? "LowCardinality(String)" : "String"
        case "codec": return isCurrent ? "CODEC(\(argument))" : ""
        case "ttl": return isCurrent ? "TTL time + toIntervalDay(\(argument))" : ""
        case "index": return isCurrent ? index(argument) : ""
        case "engine": return engine(argument)
        case "settings": return "SETTINGS " + settings.joined(separator: ", ")
        default: return "{\(placeholder)}"
        }
    }

    private func index(_ argument: String) -> String {
        let parts = argument.split(separator: " ")
        guard parts.count == 3 else { return "" }
        return ", INDEX \(parts[0]) \(parts[1]) TYPE \(parts[2]) GRANULARITY 4"
    }

    private func engine(_ argument: String) -> String {
        let parts = argument.split(separator: ",").map(String.init)
        guard parts.count == 2 else { return argument }
        let name = parts[0].prefix { $0 != "(" }
        let arguments = parts[0].dropFirst(name.count).drop { $0 == "(" }.prefix { $0 != ")" }
        guard isReplicated else { return "\(name)(\(arguments))" }
        let path = "'/clickhouse/tables/{shard}/\(database)/\(parts[1])', '{replica}'"
        return "Replicated\(name)(\(path)\(arguments.isEmpty ? "" : ", \(arguments)"))"
    }

    private var settings: [String] {
        guard dialect.isCurrent else { return ["index_granularity = 8192"] }
        var settings = ["index_granularity = 8192", "ttl_only_drop_parts = 1"]
        // A batch that is sent again is not stored again, as replicated tables have it by themselves.
        if !isReplicated { settings.append("non_replicated_deduplication_window = 1000") }
        return settings
    }
}
