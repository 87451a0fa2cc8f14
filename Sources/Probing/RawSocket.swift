// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Packets

/// A raw socket (raw(7)), closed with the value.
///
/// Needs CAP_NET_RAW.
struct RawSocket: ~Copyable {
    /// The purpose of the socket.
    enum Use {
        /// Sends packets whose IP header is part of the data; receives nothing.
        case sending
        /// Receives copies of TCP segments from one host only.
        case segments(from: SocketAddress)
        /// Receives copies of ICMP echo replies, time exceeded and unreachable, of all hosts.
        case messages
    }

    let descriptor: Int32
    private let isIPv6: Bool
    private let receives: UInt8

    private init(descriptor: Int32, isIPv6: Bool, receives: UInt8) {
        self.descriptor = descriptor
        self.isIPv6 = isIPv6
        self.receives = receives
    }

    /// Opens a socket.
    ///
    /// The corresponding C function is `socket` with `SOCK_RAW`.
    ///
    /// - Throws: `.noPermission` without CAP_NET_RAW, else `.ioError`.
    static func open(_ use: Use, isIPv6: Bool) throws(ProbeError) -> RawSocket {
        let number: Int32 =
            switch use {
            case .sending: Int32(IPPROTO_RAW)
            case .segments: Int32(IPPROTO_TCP)
            case .messages: isIPv6 ? Int32(IPPROTO_ICMPV6) : Int32(IPPROTO_ICMP)
            }
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let opened = socket(isIPv6 ? AF_INET6 : AF_INET, type, number)
        guard opened >= 0 else {
            let code = errno
            guard code == EPERM || code == EACCES else { throw .system("raw socket", code) }
            throw ProbeError(
                .noPermission, subject: "raw socket", problem: "this needs CAP_NET_RAW",
                advice: "Run it with sudo, or allow it once: setcap cap_net_raw+ep /path/to/rstwho")
        }
        let made = RawSocket(descriptor: opened, isIPv6: isIPv6, receives: UInt8(truncatingIfNeeded: number))
        switch use {
        case .sending:
            // The kernel takes IPPROTO_RAW as a wish for IP_HDRINCL (raw(7)), for IPv6 too (inet6_create,
            // net/ipv6/af_inet6.c).
            break
        case .segments(let host):
            try made.askForHeader()
            guard host.with({ connect(opened, $0, $1) }) == 0 else {
                throw .system("connect to \(host.address)", errno)
            }
        case .messages:
            try made.askForHeader()
            try made.filterMessages()
        }
        return made
    }

    deinit {
        close(descriptor)
    }

    /// Of an IPv6 packet the kernel hands over no header, but tells what was in it.
    private func askForHeader() throws(ProbeError) {
        guard isIPv6 else { return }
        for option in [Int32(IPV6_RECVPKTINFO), Int32(IPV6_RECVHOPLIMIT), ControlMessages.flowInfo] {
            try set(Int32(IPPROTO_IPV6), option, Int32(1))
        }
    }

    /// Lets only the types through that a probe can be answered by: set bits are types that are kept out (linux/icmp.h,
    /// linux/icmpv6.h).
    private func filterMessages() throws(ProbeError) {
        if isIPv6 {
            var mask = [UInt32](repeating: .max, count: 8)
            for type in [1, 3, 129] { mask[type >> 5] &= ~(1 << UInt32(type & 31)) }
            let code = mask.withUnsafeBytes {
                setsockopt(descriptor, Int32(IPPROTO_ICMPV6), Self.filterOption, $0.baseAddress, socklen_t($0.count))
            }
            guard code == 0 else { throw .system("ICMP6_FILTER", errno) }
        } else {
            try set(Self.rawLevel, Self.filterOption, ~UInt32(1 << 0 | 1 << 3 | 1 << 11))
        }
    }

    /// `SOL_RAW`, which the C library's headers give as a cast.
    private static let rawLevel: Int32 = 255
    /// `ICMP_FILTER` and `ICMPV6_FILTER`.
    private static let filterOption: Int32 = 1

    private func set(_ level: Int32, _ option: Int32, _ value: some FixedWidthInteger) throws(ProbeError) {
        var value = value
        let code = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout.size(ofValue: value)))
        guard code == 0 else { throw .system("socket option \(option)", errno) }
    }

    /// Sends a packet, its IP header included.
    ///
    /// Gives 0, or the number of the error.
    func send(_ bytes: [UInt8], to host: SocketAddress) -> Int32 {
        bytes.withUnsafeBytes { bytes in
            host.with { address, length in
                while sendto(descriptor, bytes.baseAddress, bytes.count, 0, address, length) < 0 {
                    guard errno == EINTR else { return errno }
                }
                return 0
            }
        }
    }

    /// The next packet that has arrived, from the IP header on; `nil` where there is none, or it is not whole.
    ///
    /// For IPv6 the header is made of what the kernel tells of it.
    func receive() -> [UInt8]? {
        // An answer is small: headers and a quote. What is longer is cut.
        var data = [UInt8](repeating: 0, count: 2048)
        var control = [UInt8](repeating: 0, count: 256)
        var name = sockaddr_storage()
        var controlLength = 0
        let count = data.withUnsafeMutableBytes { data in
            control.withUnsafeMutableBytes { control in
                withUnsafeMutablePointer(to: &name) { name in
                    var vector = iovec(iov_base: data.baseAddress, iov_len: data.count)
                    return withUnsafeMutablePointer(to: &vector) { vector in
                        var message = msghdr()
                        message.msg_name = UnsafeMutableRawPointer(name)
                        message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
                        message.msg_iov = vector
                        message.msg_iovlen = 1
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                        let count = recvmsg(descriptor, &message, 0)
                        controlLength = min(Int(message.msg_controllen), control.count)
                        return count
                    }
                }
            }
        }
        guard count > 0 else { return nil }
        let bytes = Array(data[..<count])
        guard isIPv6 else { return bytes }
        let source = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                SocketAddress($0, length: socklen_t(MemoryLayout<sockaddr_storage>.size))
            }
        }
        guard let source,
            let header = ControlMessages(control[..<controlLength])
                .header(source: source.address, next: receives, length: count)
        else { return nil }
        return header + bytes
    }
}

extension ProbeError {
    /// A system call failed.
    static func system(_ call: String, _ code: Int32) -> ProbeError {
        ProbeError(
            .ioError, subject: call, problem: strerror(code).map { String(cString: $0) } ?? "error \(code)")
    }
}
