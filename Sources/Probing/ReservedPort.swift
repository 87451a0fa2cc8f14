// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Packets

/// A source port that nobody else gets while this value lives: a socket is bound to it and does nothing.
///
/// It neither listens nor connects, so the kernel answers a SYN-ACK to it with a RST: the host, which keeps a half-open
/// connection for each SYN that reached it, forgets it at once.
final class ReservedPort {
    let number: UInt16
    private let descriptor: Int32

    /// - Throws: `.ioError` where no port is free.
    init(at source: SocketAddress, isUDP: Bool) throws(ProbeError) {
        let type = (isUDP ? SOCK_DGRAM.rawValue : SOCK_STREAM.rawValue) | SOCK_CLOEXEC.rawValue
        let opened = socket(source.address.isIPv4 ? AF_INET : AF_INET6, Int32(type), 0)
        guard opened >= 0 else { throw .system("socket", errno) }
        var wanted = source
        wanted.port = 0
        guard wanted.with({ bind(opened, $0, $1) }) == 0, let bound = SocketAddress.local(of: opened) else {
            let code = errno
            close(opened)
            throw .system("bind to \(source.address)", code)
        }
        descriptor = opened
        number = bound.port
    }

    deinit {
        close(descriptor)
    }
}
