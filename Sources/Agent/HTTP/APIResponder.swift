// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import HTTPTypes
internal import Hummingbird
internal import Packets
internal import Reporting

/// Answers the agent's HTTP requests.
struct APIResponder: HTTPResponder {
    private static let jsonType = "application/json"
    /// Longest path and query that is looked at, in bytes.
    private static let maximumTarget = 4096

    let state: AgentState
    let hosts: HostCheck
    let cache: EngineCache

    func respond(to request: Request, context: APIContext) async throws -> Response {
        var response: Response
        do {
            try check(request)
            response = try await answer(request, context)
        } catch {
            response = error.response
            // What is left of the request is not waited for.
            if error.status == .contentTooLarge { response = response.closing(context.channel) }
        }
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func check(_ request: Request) throws(HTTPProblem) {
        guard hosts.accepts(request.head.authority) else {
            throw HTTPProblem(
                status: .forbidden,
                detail: "Unknown Host header. Use the agent's address, or allow the name with --http-name.")
        }
        guard (request.head.path ?? "").utf8.count <= Self.maximumTarget else {
            throw HTTPProblem(status: .uriTooLong, detail: "Path and query have more than \(Self.maximumTarget) bytes.")
        }
        if let length = request.headers[.contentLength], length != "0" {
            throw HTTPProblem(status: .contentTooLarge, detail: "Requests have no body here.")
        }
        if request.headers[.transferEncoding] != nil {
            throw HTTPProblem(status: .contentTooLarge, detail: "Requests have no body here.")
        }
        if request.uri.path == Self.forgetPath {
            try authorise(request)
        } else if request.method != .get, request.method != .head {
            throw HTTPProblem(
                status: .methodNotAllowed, detail: "Everything here is read with GET.", headers: [.allow: "GET, HEAD"])
        }
    }

    private static let forgetPath = "/api/v1/forget"

    /// Forgetting is for whoever may read the state directory.
    ///
    /// A page of another origin can neither name the word nor send the header.
    private func authorise(_ request: Request) throws(HTTPProblem) {
        guard request.method == .post else {
            throw HTTPProblem(
                status: .methodNotAllowed, detail: "Addresses are forgotten with POST.", headers: [.allow: "POST"])
        }
        guard let token = state.history?.token, request.headers[.authorization] == "Bearer \(token)" else {
            throw HTTPProblem(
                status: .unauthorized,
                detail: "Use rstwho forget, as root or as the account that the agent runs as.",
                headers: [.wwwAuthenticate: "Bearer"])
        }
    }

    private func forget(_ query: inout QueryReader) async throws(HTTPProblem) -> Response {
        guard let prefix = try query.prefix("prefix") else {
            throw .badParameter("prefix", "Give the prefix that is to be forgotten, such as 10.0.0.0/8.")
        }
        try query.finish()
        do {
            return Self.ok(APIDocument.forgotten(try await state.forget(prefix)), Self.jsonType)
        } catch {
            throw HTTPProblem(
                status: .serviceUnavailable, detail: "Not everything could be forgotten: \(error). Ask again.")
        }
    }

    private func answer(_ request: Request, _ context: APIContext) async throws(HTTPProblem) -> Response {
        var query = try QueryReader(request)
        switch request.uri.path {
        case "/healthz":
            try query.finish()
            return health(isReady: state.phase != .ended)
        case "/readyz":
            try query.finish()
            return health(isReady: state.isReady)
        case "/metrics":
            try query.finish()
            let format = MetricsFormat.preferred(request.headers[.accept])
            return Self.ok(Array(MetricsExposition.text(state.metrics(), as: format).utf8), format.contentType)
        case "/api/v1/findings":
            return try await findings(&query, kind: nil)
        case "/api/v1/resets":
            return try await findings(&query, kind: .reset)
        case "/api/v1/hosts":
            return try await hosts(&query)
        case "/api/v1/origins":
            let limit = try query.integer("limit", in: FindingQuery.limits, default: FindingQuery.standardLimit)
            try query.finish()
            let origins = try await cache.origins(state)
            return Self.ok(APIDocument.origins(Array(origins.prefix(limit))), Self.jsonType)
        case "/api/v1/paths":
            let limit = try query.integer("limit", in: FindingQuery.limits, default: FindingQuery.standardLimit)
            let server = try query.address("server")
            try query.finish()
            let paths = try await cache.paths(state).filter { path in server.map { path.server == $0 } ?? true }
            return Self.ok(APIDocument.paths(Array(paths.prefix(limit))), Self.jsonType)
        case "/api/v1/explain":
            let explanation = try ExplainAnswer(&query)
            try query.finish()
            return Self.ok(try await explanation.body(state, cache), Self.jsonType)
        case "/api/v1/ledger":
            try query.finish()
            return Self.ok(APIDocument.ledger(state.ledger, state.statistics), Self.jsonType)
        case "/api/v1/openapi.json":
            try query.finish()
            return Self.ok(APISpecification.document, Self.jsonType)
        case Self.forgetPath:
            return try await forget(&query)
        case "/api/v1/stream":
            let wanted = try FindingQuery(&query, isStream: true)
            try query.finish()
            return try FindingStream(state: state, query: wanted, memory: cache.memory).response(to: request, context)
        case let path where path.hasPrefix(Self.evidencePath):
            try query.finish()
            return try await evidence(String(path.dropFirst(Self.evidencePath.count)))
        case let path:
            if let page = Page.response(path) {
                try query.finish()
                return page
            }
            throw HTTPProblem(
                status: .notFound,
                detail:
                    "Available: /, /metrics, /healthz, /readyz and /api/v1/ with resets, findings, hosts, origins, paths, explain, "
                    + "ledger, evidence/ID.pcapng, stream, forget, openapi.json."
            )
        }
    }

    private func health(isReady: Bool) -> Response {
        Self.response(
            isReady ? .ok : .serviceUnavailable, APIDocument.health(state.phase, state.interfaces), Self.jsonType)
    }

    private func findings(_ query: inout QueryReader, kind: Finding.Kind?) async throws(HTTPProblem) -> Response {
        let wanted = try FindingQuery(&query, kind: kind)
        try query.finish()
        do {
            return Self.ok(APIDocument.findings(try await state.findings(wanted)), Self.jsonType)
        } catch {
            throw HTTPProblem(
                status: .serviceUnavailable,
                detail: "The history cannot be read (\(error.problem)). Ask for a shorter time, or for newer findings.")
        }
    }

    private func hosts(_ query: inout QueryReader) async throws(HTTPProblem) -> Response {
        let limit = try query.integer("limit", in: FindingQuery.limits, default: FindingQuery.standardLimit)
        let since = try query.time("since")
        let before = try HostCursor(&query)
        let address = try query.address("address")
        let prefix = try query.prefix("prefix")
        try query.finish()
        let all = try await cache.hosts(state)
        let wanted = all.lazy.filter { host in
            (since.map { host.lastSeen > $0 } ?? true) && (before?.precedes(host) ?? true)
                && (address.map { host.address == $0 } ?? true) && (prefix?.contains(host.address) ?? true)
        }
        var page = Array(wanted.prefix(limit + 1))
        defer { if all.count > 1000 { cache.memory.schedule() } }
        let hasMore = page.count > limit
        if hasMore { page.removeLast() }
        let next = hasMore ? page.last.map { HostCursor($0).text } : nil
        return Self.ok(APIDocument.hosts(page, next: next), Self.jsonType)
    }

    private static func ok(_ body: [UInt8], _ type: String) -> Response { response(.ok, body, type) }

    private static func response(_ status: HTTPResponse.Status, _ body: [UInt8], _ type: String) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
