// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc

/// The whole packets of an interface, payload included, as a pcapng stream: for a capture that a person looks at.
///
/// A packet socket (packet(7)); needs CAP_NET_RAW. `LiveCapture` is what the agent uses.
package struct InterfacePackets: ~Copyable {
    /// Longer packets are cut (libpcap's MAXIMUM_SNAPLEN).
    private static let snapLength = 262_144
    /// Bytes that are written at once at most.
    private static let bound = 1 << 16

    private let interface: InterfaceInfo
    private let framing: InterfaceInfo.Framing
    private let socket: Int32
    /// Packets that found no room in the socket.
    package private(set) var dropped: UInt64 = 0
    /// Packets handed over.
    package private(set) var packets: UInt64 = 0

    /// Throws `notFound`, `noPermission` or `unavailable`.
    package init(_ name: String) throws(CaptureError) {
        let (interface, framing) = try Self.find(name)
        let socket = rstwho_packet_socket(interface.index, framing == .ethernet ? 1 : 0)
        if socket < 0 { throw Self.failure(name, -socket) }
        self.interface = interface
        self.framing = framing
        self.socket = socket
    }

    private static func find(_ name: String) throws(CaptureError) -> (InterfaceInfo, InterfaceInfo.Framing) {
        guard let interface = try InterfaceInfo.all().first(where: { $0.name == name }) else {
            throw CaptureError(
                .notFound, subject: name, problem: "there is no such interface",
                advice: "ip link lists those of this machine")
        }
        guard let framing = interface.framing else {
            throw CaptureError(
                .unavailable, subject: name, problem: "its packets have a link layer that is not read here")
        }
        return (interface, framing)
    }

    private static func failure(_ name: String, _ number: Int32) -> CaptureError {
        guard number == EPERM || number == EACCES else {
            return CaptureError(
                .unavailable, subject: name, problem: "no packet socket can be had: \(SystemError.text(number))",
                errno: number)
        }
        return CaptureError(
            .noPermission, subject: name, problem: "capturing needs CAP_NET_RAW",
            advice: "Give it to a copy of rstwho that only your group may run: setcap cap_net_raw+ep FILE",
            errno: number)
    }

    deinit {
        close(socket)
    }

    /// The section header and the interface, with which the stream begins.
    package func header(application: String) -> [UInt8] {
        PcapngStream.section(application: application)
            + PcapngStream.interface(
                link: framing == .ethernet ? 1 : 101, name: interface.name, snapLength: UInt32(Self.snapLength))
    }

    /// Writes packets to `descriptor` as they come, until `isStopped` returns true or nobody reads.
    ///
    /// Throws `ioError` where the interface gives no more packets.
    package mutating func run(
        to descriptor: Int32, isStopped: () -> Bool
    ) throws(CaptureError) {
        var buffer = [UInt8](repeating: 0, count: Self.snapLength + 4)
        var out: [UInt8] = []
        var packet = rstwho_packet()
        packet.has_link_header = framing == .ethernet
        while !isStopped() {
            let status = rstwho_packet_receive(socket, &buffer, buffer.count, out.isEmpty ? 1 : 0, &packet)
            if status < 0 {
                throw CaptureError(
                    .ioError, subject: interface.name,
                    problem: "it gives no more packets: \(SystemError.text(-status))",
                    errno: -status)
            }
            if status > 0 { append(packet, to: &out) }
            if status == 0 || out.count >= Self.bound {
                guard Self.write(&out, to: descriptor) else { break }
                countDrops()
            }
        }
        _ = Self.write(&out, to: descriptor)
        countDrops()
    }

    private mutating func append(_ packet: rstwho_packet, to out: inout [UInt8]) {
        // The loopback shows each packet twice, leaving and arriving.
        guard !interface.isLoopback || packet.type != UInt8(LinkLayer.packetOutgoing) else { return }
        if framing == .ip, packet.protocol != 0x0800, packet.protocol != 0x86dd { return }
        guard let start = packet.bytes else { return }
        // Within the buffer: the kernel says how much it wrote.
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(packet.length))
        let flags: UInt32 = packet.type == UInt8(LinkLayer.packetOutgoing) ? 2 : 1
        PcapngStream.packet(
            bytes, wireLength: packet.wire_length, interface: 0, time: packet.time, flags: flags, to: &out)
        packets += 1
    }

    private mutating func countDrops() {
        var drops: UInt32 = 0
        if rstwho_packet_drops(socket, &drops) == 0 { dropped += UInt64(drops) }
    }

    /// False where nobody reads any more.
    private static func write(_ out: inout [UInt8], to descriptor: Int32) -> Bool {
        var position = 0
        while position < out.count {
            let count = out.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + position }, bytes.count - position)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            position += count
        }
        out.removeAll(keepingCapacity: true)
        return true
    }
}
