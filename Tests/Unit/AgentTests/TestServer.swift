// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import FoundationEssentials
import Glibc
import Logging
import Synchronization
import Testing

/// A server on a free loopback port for the time of a test.
struct TestServer: Sendable {
    let address: HTTPAddress
    let state: AgentState

    /// Serves a state that captures `eth0`; ends the server whatever the test does.
    static func run(
        options change: (inout HTTPServer.Options) -> Void = { _ in }, isCapturing: Bool = true,
        findingCapacity: Int = 10_000, evidence: EvidenceDirectory? = nil, history: History? = nil,
        _ test: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let state = AgentState(findingCapacity: findingCapacity, history: history, evidence: evidence) { Ledger() }
        if isCapturing { state.begin([AgentState.Interface(name: "eth0", hook: "tc")]) }
        var options = HTTPServer.Options()
        options.address = .tcp(host: "127.0.0.1", port: 0)
        change(&options)
        let (addresses, listening) = AsyncStream<HTTPAddress>.makeStream()
        var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        let server = HTTPServer(options: options, state: state, logger: logger) { listening.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { listening.finish() }
                do {
                    try await server.run()
                } catch is CancellationError {
                    // The test has ended.
                }
            }
            var iterator = addresses.makeAsyncIterator()
            if let address = await iterator.next() {
                try await test(TestServer(address: address, state: state))
                group.cancelAll()
            }
            try await group.waitForAll()
        }
    }

    /// GETs a path and gives status, header and body.
    func get(_ path: String, host: String? = "localhost", method: String = "GET", headers: String = "") async throws
        -> Answer
    {
        let hostLine = host.map { "Host: \($0)\r\n" } ?? ""
        return try await send("\(method) \(path) HTTP/1.1\r\n\(hostLine)Connection: close\r\n\(headers)\r\n")
    }

    /// Sends bytes and reads until the server closes.
    func send(_ text: String) async throws -> Answer {
        let address = address
        return try await BlockingThread.run(named: "client") {
            let client = try RawClient(address)
            try client.send(text)
            return Answer(String(decoding: client.readToEnd(), as: UTF8.self))
        }
    }
}

/// A server's response.
struct Answer: Sendable {
    let status: Int?
    let head: String
    let body: String

    init(_ text: String) {
        let end = text.firstRange(of: "\r\n\r\n")
        head = end.map { String(text[..<$0.lowerBound]) } ?? text
        body = end.map { String(text[$0.upperBound...]) } ?? ""
        status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
}

/// A socket without manners.
///
/// Every call ends after five seconds.
final class RawClient: Sendable {
    struct Failure: Error {
        var call: String
        var errno: Int32
    }

    let socket: Int32

    init(_ address: HTTPAddress, receiveBuffer: Int32? = nil) throws {
        guard case .tcp(_, let port) = address else { throw Failure(call: "address", errno: EINVAL) }
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Failure(call: "socket", errno: errno) }
        setTimeout(seconds: 5)
        if var receiveBuffer {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = UInt16(port).bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(call: "connect", errno: errno) }
    }

    deinit {
        close(socket)
    }

    /// Waits until the server has ended the connection, without reading what it sent.
    ///
    /// - Returns: false where it has not within so many seconds.
    func isClosedByServer(within seconds: Int32) -> Bool {
        // POLLRDHUP, which Swift's Glibc does not have.
        var poll = pollfd(fd: socket, events: 0x2000, revents: 0)
        return Glibc.poll(&poll, 1, seconds * 1000) > 0
    }

    func setTimeout(seconds: Int) {
        var timeout = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(call: "send", errno: errno)
        }
    }

    /// Returns the bytes until the end, an error or the time limit.
    func readToEnd() -> [UInt8] {
        var all: [UInt8] = []
        while let piece = read() { all += piece }
        return all
    }

    /// Returns the next bytes; `nil` at the end, at an error or at the time limit.
    func read() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes[..<count]) : nil
    }

    /// True where the other side has ended the connection (or ends it within the time limit).
    func isEnded() -> Bool {
        var byte: UInt8 = 0
        let count = recv(socket, &byte, 1, 0)
        return count == 0 || (count < 0 && errno != EAGAIN)
    }
}
