// SPDX-License-Identifier: Apache-2.0
internal import AsyncHTTPClient
internal import Glibc
package import NIOCore
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import NIOPosix
internal import NIOSSL

/// Requests to the servers of a store, over ClickHouse's HTTP interface.
///
/// Account and password travel in headers, statements with addresses in bodies: URLs, which servers and proxies log,
/// hold neither. Every request ends by its deadline, whatever the server does.
package final class StoreClient: Sendable {
    /// The most that an answer may have, bytes.
    private static let maximumAnswer = 1 << 30
    /// The most of an error's text that is read, bytes.
    private static let maximumError = 1 << 16

    package let settings: StoreSettings
    private let client: HTTPClient
    private let headers: HTTPHeaders

    /// - Throws: `StoreSettings.Problem` where the password or a certificate cannot be read.
    package init(_ settings: StoreSettings, agent: String) throws(StoreSettings.Problem) {
        self.settings = settings
        var headers = HTTPHeaders([("User-Agent", agent)])
        if let user = settings.user { headers.add(name: "X-ClickHouse-User", value: user) }
        if let password = try settings.password() { headers.add(name: "X-ClickHouse-Key", value: password) }
        self.headers = headers
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try Self.tls(settings),
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(Int64(min(5, settings.deadline)))),
            decompression: .enabled(limit: .size(Self.maximumAnswer)))
        // A server that refuses is told at once, and the next one asked.
        configuration.connectionPool.retryConnectionEstablishment = false
        // One connection and plain bodies: nothing here gains from HTTP/2.
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    package func shutdown() async {
        // It fails only where it was shut down already.
        try? await client.shutdown()
    }

    private static func tls(_ settings: StoreSettings) throws(StoreSettings.Problem) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        do {
            if let file = settings.caFile {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            }
        } catch {
            throw StoreSettings.Problem(text: "\(settings.caFile ?? "") (ca_file) holds no certificate in PEM")
        }
        guard let certificate = settings.certificateFile, let key = settings.keyFile else { return tls }
        do {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
        } catch {
            throw StoreSettings.Problem(text: "\(certificate) (certificate_file) holds no certificate in PEM")
        }
        do {
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        } catch {
            throw StoreSettings.Problem(text: "\(key) (key_file) holds no private key in PEM")
        }
        return tls
    }

    // MARK: Requests

    /// The answer to a statement; complete, as the server answers only when it has all of it.
    package func run(_ statement: String, on server: String, settings more: [(String, String)] = [])
        async throws(StoreError) -> ByteBuffer
    {
        let parameters =
            [("wait_end_of_query", "1"), ("enable_http_compression", "1")] + more
        return try await send(
            server, parameters: parameters, headers: [("Accept-Encoding", "gzip")], body: ByteBuffer(string: statement))
    }

    /// The answer as text without the line feed at its end.
    package func text(_ statement: String, on server: String) async throws(StoreError) -> String {
        let answer = try await run(statement, on: server)
        let text = String(buffer: answer)
        return text.last == "\n" ? String(text.dropLast()) : text
    }

    /// Inserts lines of JSON; returns only when the server has stored them.
    ///
    /// - `isCompressed`: the body is gzip, and travels as it is.
    package func insert(
        _ body: ByteBuffer, into table: String, isCompressed: Bool, dialect: Dialect, on server: String
    ) async throws(StoreError) {
        let statement = "INSERT INTO \(settings.database).\(table) FORMAT JSONEachRow"
        var headers = [("Content-Type", "application/x-ndjson")]
        if isCompressed { headers.append(("Content-Encoding", "gzip")) }
        let answer = try await send(
            server, parameters: [("query", statement)] + dialect.insertSettings, headers: headers, body: body)
        // A proxy's page of welcome also has status 200. ClickHouse says nothing after an insert.
        guard answer.readableBytes == 0 else {
            throw StoreError(
                .retry, server: server, text: "the answer to an insert is not ClickHouse's: a proxy may stand between")
        }
    }

    /// The dialect of a server.
    package func dialect(of server: String) async throws(StoreError) -> Dialect {
        let version = try await text("SELECT version()", on: server)
        guard let dialect = Dialect(version: version) else {
            throw StoreError(
                .configuration, server: server, text: "does not answer as ClickHouse does; is the port that of HTTP?")
        }
        guard dialect.isSupported else {
            throw StoreError(
                .configuration, server: server,
                text:
                    "ClickHouse \(version) is too old: \(Dialect.floor.major).\(Dialect.floor.minor) or later is needed"
            )
        }
        return dialect
    }

    private func send(
        _ server: String, parameters: [(String, String)], headers more: [(String, String)], body: ByteBuffer
    ) async throws(StoreError) -> ByteBuffer {
        let query = parameters.map { "\($0)=\(Self.escaped($1))" }.joined(separator: "&")
        var request = HTTPClientRequest(url: "\(server)/?\(query)")
        request.method = .POST
        request.headers = headers
        request.headers.add(contentsOf: more)
        request.body = .bytes(body)
        let client = client
        let sent = request
        let seconds = settings.deadline
        let outcome = await withTaskGroup(of: Result<ByteBuffer, StoreError>.self) { group in
            group.addTask { await Self.answer(client, sent, server, seconds) }
            group.addTask {
                // The client's own deadline ends before; this one holds where a task does not come back.
                try? await Task.sleep(for: .seconds(seconds + 1))
                return .failure(Self.late(server, seconds))
            }
            let first = await group.next() ?? .failure(Self.late(server, seconds))
            group.cancelAll()
            return first
        }
        return try outcome.get()
    }

    private static func late(_ server: String, _ seconds: Int) -> StoreError {
        StoreError(.retry, server: server, text: "no answer within \(seconds) s")
    }

    private static func answer(
        _ client: HTTPClient, _ request: HTTPClientRequest, _ server: String, _ seconds: Int
    ) async -> Result<ByteBuffer, StoreError> {
        do {
            let response = try await client.execute(request, deadline: .now() + .seconds(Int64(seconds)))
            let header = response.headers.first(name: "X-ClickHouse-Exception-Code").flatMap { Int($0) }
            if response.status == .ok, header == nil {
                let body = try await response.body.collect(upTo: maximumAnswer)
                // An error after the first bytes of an answer has no status of its own left.
                let start = body.getString(at: body.readerIndex, length: min(12, body.readableBytes)) ?? ""
                guard let code = StoreError.code(in: start) else { return .success(body) }
                return .failure(error(200, code, server, String(buffer: body)))
            }
            let body = try await response.body.collect(upTo: maximumError)
            let text = String(buffer: body)
            return .failure(error(Int(response.status.code), header ?? StoreError.code(in: text), server, text))
        } catch {
            return .failure(failure(error, server, seconds))
        }
    }

    private static func error(_ status: Int, _ code: Int?, _ server: String, _ text: String) -> StoreError {
        let kind = StoreError.classify(status: status, code: code)
        // A refused batch's message quotes its rows, which are somebody's addresses.
        let detail = kind == .batch ? "" : ": \(firstSentence(text))"
        return StoreError(
            kind, code: code, server: server,
            text: code.map { "ClickHouse's error \($0)\(detail)" } ?? "HTTP status \(status)")
    }

    /// The beginning of a message without the part that names its code twice.
    private static func firstSentence(_ text: String) -> String {
        var rest = Substring(text)
        for prefix in ["e.displayText() = ", "DB::Exception: "] {
            if let range = rest.firstRange(of: prefix) { rest = rest[range.upperBound...] }
        }
        let line = rest.prefix { $0 != "\n" }
        let end = line.firstRange(of: ", e.what()")?.lowerBound ?? line.endIndex
        return String(line[..<end].prefix(200))
    }

    private static func failure(_ error: any Error, _ server: String, _ seconds: Int) -> StoreError {
        switch error {
        case is NIOTooManyBytesError:
            return StoreError(
                .retry, server: server,
                text: "the answer has more than \(maximumAnswer >> 20) MiB: ask about a shorter time")
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            return late(server, seconds)
        case let error as HTTPClientError where error == .connectTimeout:
            return StoreError(.retry, server: server, text: "no connection within \(min(5, seconds)) s")
        case let error as HTTPClientError:
            return StoreError(.retry, server: server, text: "\(error.shortDescription)")
        case let error as NIOSSLError:
            return certificateProblem(server, "\(error)")
        case let error as NIOSSLExtraError:
            return certificateProblem(server, "\(error)")
        case is NIOConnectionError:
            return StoreError(.retry, server: server, text: "no connection: unreachable, or an unknown name")
        case let error as IOError:
            let reason = String(cString: strerror(error.errnoCode))
            return StoreError(.retry, server: server, text: "no connection: \(reason)")
        default:
            return StoreError(.retry, server: server, text: "\(error)")
        }
    }

    /// A certificate that is not trusted needs somebody; a connection that ends in a handshake may only need time.
    private static func certificateProblem(_ server: String, _ text: String) -> StoreError {
        let isCertificate = ["CERTIFICATE", "certificate", "HOSTNAME", "UNKNOWN_CA", "EXPIRED"].contains {
            text.contains($0)
        }
        return StoreError(
            isCertificate ? .configuration : .retry, server: server,
            text: isCertificate
                ? "TLS: a certificate is not accepted; ca_file, the server's name or an expiry date is wrong: \(text.prefix(160))"
                : "TLS: \(text.prefix(160))")
    }

    /// Percent-encodes a value for a query string.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                result.unicodeScalars.append(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return result
    }
}
