// SPDX-License-Identifier: Apache-2.0
package import Fleet
internal import Glibc
package import NIOCore

/// Asks all shards of a store, and collects the records that one question needs.
///
/// A shard whose replicas all fail is left out of the rest of the question and named with the answer: the records that
/// it holds are missing, whoever wrote them.
package actor RecordSelector {
    private struct Shard {
        var servers: [String]
        /// The replica that answers.
        var current = 0
        var dialect: Dialect?
        var problem: StoreError?
    }

    private let client: StoreClient
    private let write: @Sendable (ByteBuffer) -> Void
    private var shards: [Shard]
    /// Statements whose answers had as many rows as they may have.
    private var isCut = false

    /// - `write`: takes lines of records as they arrive.
    package init(_ client: StoreClient, write: @escaping @Sendable (ByteBuffer) -> Void) {
        self.client = client
        self.write = write
        shards = client.settings.shards.map { Shard(servers: $0) }
    }

    /// The note about the answer's completeness.
    package var note: FleetSourceNote {
        FleetSourceNote(
            asked: shards.count,
            missing: shards.compactMap { shard in
                shard.problem.map { "\(shard.servers.joined(separator: ", ")): \($0.text)" }
            }, isCut: isCut)
    }

    /// The problem of a server where no shard answered; `nil` where one did.
    package var totalFailure: StoreError? {
        shards.allSatisfy { $0.problem != nil } ? shards.first?.problem : nil
    }

    /// Selects records on all shards.
    ///
    /// - `limit`: the rows that a shard's answer has at most.
    /// - `keeps`: whether the records are wanted here as well.
    @discardableResult
    func select(
        limit: Int, keeps: Bool = false, _ realm: String?, _ statement: @Sendable (StoreStatements) -> String
    ) async -> [FleetRecord] {
        var records: [FleetRecord] = []
        for answer in await ask(realm, statement) {
            var rows = 0
            Self.forEachLine(of: answer) { line in
                rows += 1
                if keeps, let record = FleetRecord.decode(line()) { records.append(record) }
            }
            if rows >= limit { isCut = true }
            write(answer)
        }
        return records
    }

    /// The lines that a statement selects on all shards, each once.
    func lines(limit: Int, _ realm: String?, _ statement: @Sendable (StoreStatements) -> String) async -> Set<String> {
        var lines: Set<String> = []
        for answer in await ask(realm, statement) {
            var rows = 0
            Self.forEachLine(of: answer) { line in
                rows += 1
                lines.insert(line())
            }
            if rows >= limit { isCut = true }
        }
        return lines
    }

    /// Calls `body` for each line; the text is made only where it is asked for.
    private static func forEachLine(of answer: ByteBuffer, _ body: (() -> String) -> Void) {
        answer.withUnsafeReadableBytes { bytes in
            guard var start = bytes.baseAddress else { return }
            let end = start + bytes.count
            while start < end {
                let stop = memchr(start, 0x0a, end - start).map { UnsafeRawPointer($0) } ?? end
                let line = UnsafeRawBufferPointer(start: start, count: stop - start)
                body { String(decoding: line, as: UTF8.self) }
                start = stop + 1
            }
        }
    }

    private func ask(_ realm: String?, _ statement: @Sendable (StoreStatements) -> String) async -> [ByteBuffer] {
        let client = client
        return await withTaskGroup(of: (Int, Shard, ByteBuffer?).self) { group in
            for (index, shard) in shards.enumerated() where shard.problem == nil {
                // The statement is made before the task, for each dialect that the shard's servers may have.
                let texts = StatementTexts(client.settings.database, realm, statement)
                group.addTask {
                    let (shard, answer) = await Self.ask(shard, client, texts)
                    return (index, shard, answer)
                }
            }
            var answers: [ByteBuffer] = []
            for await (index, shard, answer) in group {
                // Statements run side by side: a failure of one stays known, whatever another has got since.
                if shards[index].problem == nil { shards[index] = shard }
                if let answer { answers.append(answer) }
            }
            return answers
        }
    }

    /// One statement in both dialects.
    private struct StatementTexts: Sendable {
        var current: String
        var old: String

        init(_ database: String, _ realm: String?, _ statement: (StoreStatements) -> String) {
            current = statement(StoreStatements(dialect: .floor, database: database, realm: realm))
            old = statement(
                StoreStatements(dialect: Dialect(major: 18, minor: 16), database: database, realm: realm))
        }
    }

    private static func ask(_ shard: Shard, _ client: StoreClient, _ texts: StatementTexts) async -> (
        Shard, ByteBuffer?
    ) {
        var shard = shard
        var problem: StoreError?
        for _ in shard.servers.indices {
            let server = shard.servers[shard.current]
            do throws(StoreError) {
                let dialect = try await known(shard.dialect, of: server, client)
                shard.dialect = dialect
                return (shard, try await client.run(dialect.isCurrent ? texts.current : texts.old, on: server))
            } catch {
                problem = problem ?? error
                shard.dialect = nil
                shard.current = (shard.current + 1) % shard.servers.count
            }
        }
        shard.problem = problem
        return (shard, nil)
    }

    private static func known(_ dialect: Dialect?, of server: String, _ client: StoreClient) async throws(StoreError)
        -> Dialect
    {
        if let dialect { return dialect }
        return try await client.dialect(of: server)
    }
}
