// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Glibc

/// The open way to a target.
struct ExportConnection: ~Copyable {
    struct Failure: Error {
        var problem: String
        /// True where this message can never be sent, so that another attempt is in vain.
        var isOfMessage = false
    }

    /// Seconds for connecting and for one write.
    private static let patience = 5

    private let target: ExportTarget
    private let descriptor: Int32
    /// Of an open file: another file of that name means that it was rotated.
    private var inode: UInt64 = 0

    init(_ target: ExportTarget) throws(Failure) {
        self.target = target
        descriptor = try Self.open(target)
        inode = Self.inode(of: descriptor)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Sends one message.
    ///
    /// - `isFramed`: true for a length before it on a stream (RFC 6587, 3.4.1), false for a line feed behind it.
    mutating func send(_ message: String, isFramed: Bool) throws(Failure) {
        switch target {
        case .off: return
        case .udp, .unixSocket, .journal: try sendDatagram(Array(message.utf8))
        case .tcp:
            try checkOpen()
            try writeAll(Array((isFramed ? "\(message.utf8.count) " + message : message + "\n").utf8))
        case .file(let path):
            guard Self.inode(at: path) == inode else { throw Failure(problem: "it was renamed or removed") }
            try writeAll(Array((message + "\n").utf8))
        }
    }

    /// Sends an entry of the journal's own protocol.
    mutating func send(entry: [UInt8]) throws(Failure) {
        try sendDatagram(entry)
    }

    private func sendDatagram(_ bytes: [UInt8]) throws(Failure) {
        for _ in 0..<3 {
            if Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count { return }
            guard errno == EINTR || errno == ENOBUFS else { break }
        }
        throw Failure(problem: Self.text(errno), isOfMessage: errno == EMSGSIZE)
    }

    /// A receiver that has closed takes nothing any more, although writing would succeed once.
    private func checkOpen() throws(Failure) {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count == 0 { throw Failure(problem: "the receiver has closed the connection") }
        if count < 0, errno != EAGAIN, errno != EINTR { throw Failure(problem: Self.text(errno)) }
    }

    private func writeAll(_ bytes: [UInt8]) throws(Failure) {
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress.map { $0 + position }, bytes.count - position)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(problem: count == 0 ? "nothing was written" : Self.text(errno)) }
            position += count
        }
    }

    // MARK: Opening

    private static func open(_ target: ExportTarget) throws(Failure) -> Int32 {
        switch target {
        case .off: return -1
        case .udp(let host, let port): return try connect(host, port, Int32(SOCK_DGRAM.rawValue))
        case .tcp(let host, let port): return try connect(host, port, Int32(SOCK_STREAM.rawValue))
        case .unixSocket(let path): return try connect(path: path)
        case .journal: return try connect(path: Journal.socketPath)
        case .file(let path):
            // A pipe without a reader would stop this thread for good.
            let file = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
            guard file >= 0 else { throw Failure(problem: text(errno)) }
            return file
        }
    }

    private static func connect(_ host: String, _ port: Int, _ type: Int32) throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = type
        var found: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, String(port), &hints, &found)
        guard failure == 0, let first = found else { throw Failure(problem: String(cString: gai_strerror(failure))) }
        defer { freeaddrinfo(first) }
        var entry: UnsafeMutablePointer<addrinfo>? = first
        var reason = ENOENT
        while let current = entry?.pointee {
            let socket = socket(current.ai_family, type | Int32(SOCK_CLOEXEC.rawValue), 0)
            limit(socket)
            if socket >= 0, Glibc.connect(socket, current.ai_addr, current.ai_addrlen) == 0 { return socket }
            reason = errno
            if socket >= 0 { close(socket) }
            entry = current.ai_next
        }
        throw Failure(problem: text(reason))
    }

    private static func connect(path: String) throws(Failure) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            guard path.utf8.count < bytes.count else { return false }
            bytes.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { throw Failure(problem: "the path is too long for a socket") }
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        limit(socket)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            let reason = errno
            if socket >= 0 { close(socket) }
            throw Failure(problem: text(reason))
        }
        return socket
    }

    private static func limit(_ socket: Int32) {
        var timeout = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    private static func text(_ number: Int32) -> String {
        number == EAGAIN ? "it takes nothing" : String(cString: strerror(number))
    }

    private static func inode(of descriptor: Int32) -> UInt64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    private static func inode(at path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }
}
