// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Packets

/// The kernel's metadata of a received packet (cmsg(3)).
struct ControlMessages {
    private struct Message {
        var level: Int32
        var type: Int32
        var data: ArraySlice<UInt8>
    }

    /// `IPV6_FLOWINFO` of linux/in6.h, which the C library's headers lack.
    static let flowInfo: Int32 = 11

    private var messages: [Message] = []

    /// Reads the control buffer of `recvmsg`.
    init(_ buffer: ArraySlice<UInt8>) {
        // struct cmsghdr: a word with its length, header included, then level and type; each message begins at a whole
        // word.
        let header = MemoryLayout<cmsghdr>.size
        let word = MemoryLayout<Int>.size
        var rest = buffer
        while rest.count >= header {
            let length = rest.withUnsafeBytes { $0.loadUnaligned(as: cmsghdr.self) }
            let size = Int(length.cmsg_len)
            guard size >= header, size <= rest.count else { break }
            messages.append(
                Message(
                    level: length.cmsg_level, type: length.cmsg_type,
                    data: rest.dropFirst(header).prefix(size - header)))
            rest = rest.dropFirst((size + word - 1) / word * word)
        }
    }

    private func data(_ level: Int32, _ type: Int32) -> ArraySlice<UInt8>? {
        messages.first { $0.level == level && $0.type == type }?.data
    }

    /// A message's data as an integer, in host byte order.
    private func integer(_ level: Int32, _ type: Int32) -> Int32? {
        guard let data = data(level, type), data.count >= 4 else { return nil }
        return data.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
    }

    /// The IPv6 header that a raw socket does not give (RFC 3542, 3): of what the kernel tells of it.
    ///
    /// `nil` where it does not.
    func header(source: IPAddress, next: UInt8, length: Int) -> [UInt8]? {
        let level = Int32(IPPROTO_IPV6)
        guard let hopLimit = integer(level, Int32(IPV6_HOPLIMIT)),
            let destination = data(level, Int32(IPV6_PKTINFO))?.prefix(16), destination.count == 16
        else { return nil }
        // Class and label as the header has them, in network byte order; only where one of them is not 0.
        let label = integer(level, Self.flowInfo).map { UInt32(bigEndian: UInt32(bitPattern: $0)) } ?? 0
        let first = 0x6000_0000 | label & 0x0fff_ffff
        var bytes: [UInt8] = []
        withUnsafeBytes(of: first.bigEndian) { bytes += $0 }
        withUnsafeBytes(of: UInt16(clamping: length).bigEndian) { bytes += $0 }
        bytes += [next, UInt8(clamping: hopLimit)]
        withUnsafeBytes(of: source.high.bigEndian) { bytes += $0 }
        withUnsafeBytes(of: source.low.bigEndian) { bytes += $0 }
        return bytes + destination
    }
}
