// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore
internal import Reporting

/// Findings as they are told, as server-sent events (WHATWG HTML, 9.2): `event: finding`, the finding's id, and the
/// finding as one line of JSON.
///
/// A comment every few seconds shows that the connection lives.
///
/// A client that reads too slowly is cut off when `capacity` findings wait for it.
struct FindingStream: Sendable {
    /// Findings that may wait for one client.
    static let capacity = 4096
    static let heartbeat = Duration.seconds(15)

    /// Stored findings that are read at once.
    private static let pageLength = 128

    let state: AgentState
    let query: FindingQuery
    let memory: MemoryRelease

    /// - Throws: a problem where there are too many clients or where the capture has ended.
    func response(to request: Request, _ context: APIContext) throws(HTTPProblem) -> Response {
        guard request.method == .get else {
            return Response(status: .ok, headers: Self.headers)
        }
        let (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let queue = FindingQueue(capacity: Self.capacity, policy: .close) { wake.yield() }
        let sinceIsGiven = query.sinceID != nil || query.sinceTime != nil
        // Only the places: what they hold is read when the client takes it.
        let earlier = state.add(queue) { store -> Range<UInt64> in
            let all = store.places(newerThan: query.sinceID)
            return sinceIsGiven ? all : all.upperBound..<all.upperBound
        }
        guard let earlier else {
            throw HTTPProblem(
                status: .serviceUnavailable,
                detail: "The capture has ended, or \(AgentState.maximumReaders - 1) streams are open already.",
                headers: [.retryAfter: "5"])
        }
        let channel = context.channel
        channel.closeFuture.whenComplete { _ in queue.close() }
        return Response(
            status: .ok, headers: Self.headers,
            body: ResponseBody { writer in
                defer {
                    state.remove(queue)
                    wake.finish()
                    // Also where a client was cut off: what it has not read yet is not waited for.
                    channel.close(promise: nil)
                }
                // A client that has gone is told by its side of the connection, at the latest by a heartbeat.
                try await request.body.consumeWithInboundCloseHandler { _ in
                    try await send(earlier, queue, wakes, wake, &writer)
                } onInboundClosed: {
                    queue.close()
                }
            })
    }

    private static var headers: HTTPFields {
        [.contentType: "text/event-stream"]
    }

    private func send(
        _ earlier: Range<UInt64>, _ queue: FindingQueue, _ wakes: AsyncStream<Void>,
        _ wake: AsyncStream<Void>.Continuation,
        _ writer: inout any ResponseBodyWriter
    ) async throws {
        let timer = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: Self.heartbeat)
                wake.yield()
            }
        }
        defer { timer.cancel() }
        try await writer.write(ByteBuffer(string: ": \(AgentVersion.name) \(AgentVersion.number)\n\n"))
        var place = earlier.lowerBound
        while place < earlier.upperBound {
            let page = state.withFindings { store in
                store.page(place..<earlier.upperBound, length: Self.pageLength, where: query.matches)
            }
            for finding in page.findings { try await writer.write(Self.event(finding)) }
            place = page.next
        }
        if !earlier.isEmpty { memory.schedule() }
        for await _ in wakes {
            let taken = queue.take()
            if taken.findings.isEmpty, !taken.isClosed { try await writer.write(ByteBuffer(string: ":\n\n")) }
            for finding in taken.findings where query.matches(finding) {
                try await writer.write(Self.event(finding))
            }
            if taken.isClosed { break }
        }
        try await writer.finish(nil)
    }

    private static func event(_ finding: Finding) -> ByteBuffer {
        // The line ends with its own line feed; an empty line ends the event.
        ByteBuffer(string: "id: \(finding.id)\nevent: finding\ndata: \(JSONLines.line(finding))\n")
    }
}
