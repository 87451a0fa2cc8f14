// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A connection to another agent's HTTP interface.
///
/// Blocks; HTTP/1.1 as far as agents speak it, one request.
package struct AgentConnection: ~Copyable {
    /// The connection cannot be made, breaks, or speaks something else than HTTP.
    package struct Failure: Error, Sendable {
        package var problem: String
    }

    /// Longest line and header block that is taken, in bytes.
    private static let bound = 1 << 20

    private let socket: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private var isChunked = false
    /// Bytes of the body that are left, or of the current chunk; `nil`: until the end of the connection.
    private var left: Int?

    /// Connects.
    ///
    /// - `timeout`: seconds for connecting and for each read.
    package init(_ address: HTTPAddress, timeout: Int) throws(Failure) {
        socket = try Self.connect(address, timeout: timeout)
    }

    deinit {
        close(socket)
    }

    /// For ending the connection from elsewhere, with shutdown(2).
    package var descriptor: Int32 { socket }

    /// Sets the timeout of later reads, in seconds.
    package func setTimeout(_ seconds: Int) {
        Self.setTimeout(socket, seconds)
    }

    /// Sends the request and reads the answer's header.
    ///
    /// - Returns: the status code.
    package mutating func get(_ path: String, host: String) throws(Failure) -> Int {
        try ask("GET", path, host: host)
    }

    /// Sends a request without a body that bears `token`, and reads the answer's header.
    ///
    /// - Returns: the status code.
    package mutating func post(_ path: String, host: String, token: String) throws(Failure) -> Int {
        try ask("POST", path, host: host, headers: "Authorization: Bearer \(token)\r\nContent-Length: 0\r\n")
    }

    private mutating func ask(
        _ method: String, _ path: String, host: String, headers: String = ""
    ) throws(Failure) -> Int {
        let request = Array(
            "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\(headers)\r\n".utf8)
        guard send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw Failure(problem: Self.systemText())
        }
        let statusLine = try rawLine() ?? ""
        let parts = statusLine.split(separator: " ")
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let status = Int(parts[1]) else {
            throw Failure(problem: "what answers does not speak HTTP")
        }
        var size = 0
        while let line = try rawLine(), !line.isEmpty {
            size += line.utf8.count
            guard size <= Self.bound else { throw Failure(problem: "the answer's header is too long") }
            try readHeader(line)
        }
        if isChunked { left = 0 }
        return status
    }

    /// The whole body, at most `limit` bytes of it.
    package mutating func body(limit: Int) throws(Failure) -> [UInt8] {
        var body: [UInt8] = []
        while body.count < limit, let piece = try piece() { body += piece }
        return body
    }

    /// The body's next line without its end; `nil` at the end.
    package mutating func line() throws(Failure) -> String? {
        while true {
            if let end = lines.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: lines[..<end], as: UTF8.self)
                lines.removeSubrange(...end)
                return line
            }
            guard lines.count <= Self.bound else { throw Failure(problem: "a line is too long") }
            guard let piece = try piece() else { return nil }
            lines += piece
        }
    }

    /// Body bytes that belong to a line that has not ended.
    private var lines: [UInt8] = []

    private mutating func readHeader(_ line: String) throws(Failure) {
        guard let colon = line.firstIndex(of: ":") else { return }
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        switch line[..<colon].lowercased() {
        case "content-length":
            left = Int(value)
            guard left.map({ $0 >= 0 }) ?? true else { throw Failure(problem: "the answer is damaged") }
        case "transfer-encoding": isChunked = value.lowercased() == "chunked"
        default: break
        }
    }

    /// The next bytes of the body; `nil` at its end.
    private mutating func piece() throws(Failure) -> [UInt8]? {
        if isChunked, left == 0 {
            guard try nextChunk() else { return nil }
        }
        if left == 0 { return nil }
        if start == buffer.count, try !fill() {
            guard left == nil else { throw Failure(problem: "the connection broke off") }
            return nil
        }
        let count = min(left ?? .max, buffer.count - start)
        defer { start += count }
        if let left { self.left = left - count }
        let piece = Array(buffer[start..<(start + count)])
        return piece
    }

    /// Reads the size of the next chunk (RFC 9112, 7.1).
    ///
    /// False after the last.
    private mutating func nextChunk() throws(Failure) -> Bool {
        var line = try rawLine()
        // Each chunk but the first follows the end of line of the one before.
        if line == "" { line = try rawLine() }
        guard let line else { return false }
        guard let size = Int(line.prefix { $0 != ";" }, radix: 16), size >= 0 else {
            throw Failure(problem: "the answer is damaged")
        }
        left = size
        return size > 0
    }

    /// A line of the header or of the chunked encoding; `nil` at the end of the connection.
    private mutating func rawLine() throws(Failure) -> String? {
        while true {
            if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[start..<end]
                start = end + 1
                return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            }
            guard buffer.count - start <= Self.bound else { throw Failure(problem: "a line is too long") }
            guard try fill() else { return nil }
        }
    }

    /// Reads what has come.
    ///
    /// False at the end of the connection.
    private mutating func fill() throws(Failure) -> Bool {
        if start > 0 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(socket, &bytes, bytes.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(problem: Self.systemText()) }
            buffer += bytes[..<count]
            return count > 0
        }
    }

    private static func systemText() -> String {
        errno == EAGAIN ? "no answer in time" : String(cString: strerror(errno))
    }

    private static func setTimeout(_ socket: Int32, _ seconds: Int) {
        var timeout = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private static func connect(_ address: HTTPAddress, timeout: Int) throws(Failure) -> Int32 {
        switch address {
        case .unixSocket(let path): try connect(path: path, timeout: timeout)
        case .tcp(let host, let port): try connect(host: host, port: port, timeout: timeout)
        }
    }

    private static func connect(host: String, port: Int, timeout: Int) throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, String(port), &hints, &found)
        guard failure == 0, let first = found else {
            throw Failure(problem: String(cString: gai_strerror(failure)))
        }
        defer { freeaddrinfo(first) }
        var entry: UnsafeMutablePointer<addrinfo>? = first
        while let current = entry?.pointee {
            let socket = makeSocket(current.ai_family, timeout: timeout)
            if socket >= 0, Glibc.connect(socket, current.ai_addr, current.ai_addrlen) == 0 { return socket }
            let reason = errno
            if socket >= 0 { close(socket) }
            errno = reason
            entry = current.ai_next
        }
        throw Failure(problem: systemText())
    }

    private static func connect(path: String, timeout: Int) throws(Failure) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            guard path.utf8.count < bytes.count else { return false }
            bytes.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { throw Failure(problem: "the path is too long for a socket") }
        let socket = makeSocket(AF_UNIX, timeout: timeout)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            let reason = systemText()
            if socket >= 0 { close(socket) }
            throw Failure(problem: reason)
        }
        return socket
    }

    private static func makeSocket(_ family: Int32, timeout: Int) -> Int32 {
        let made = Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if made >= 0 { setTimeout(made, timeout) }
        return made
    }
}
