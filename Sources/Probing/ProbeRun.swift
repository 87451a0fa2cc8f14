// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Glibc
internal import Packets

/// Carries out what a planner plans: sends, receives, waits.
package struct ProbeRun: ~Copyable {
    private let target: SocketAddress
    private let source: SocketAddress
    private var planner: ProbePlanner
    private var matcher: ProbeMatcher
    private let sender: RawSocket
    private let segments: RawSocket
    private let messages: RawSocket
    private var flows: [Flow.Name: Flow] = [:]
    private var random = SystemRandomNumberGenerator()

    /// The common properties of the packets of one kind and flow.
    private struct Flow {
        struct Name: Hashable {
            var kind: ProbePacket.Kind
            var number: Int
        }

        /// Holds the port.
        var reserved: ReservedPort?
        /// The port, or the identifier of an echo.
        var source: UInt16
        var label: UInt32
        /// Of an echo.
        var checksum: UInt16
    }

    /// The destination port of UDP probes: traceroute's first port, where nothing listens.
    private static let closedPort: UInt16 = 33_434

    private init(
        _ options: ProbeOptions, target: SocketAddress, source: SocketAddress, sender: consuming RawSocket,
        segments: consuming RawSocket, messages: consuming RawSocket
    ) {
        self.target = target
        self.source = source
        planner = ProbePlanner(options)
        matcher = ProbeMatcher(options, source: source.address)
        self.sender = sender
        self.segments = segments
        self.messages = messages
    }

    /// Opens what is needed and sends nothing yet.
    ///
    /// - `scope`: the interface of a link-local target, else 0.
    ///
    /// Throws `.noPermission` without CAP_NET_RAW, `.unreachable` where there is no route.
    package static func prepare(_ options: ProbeOptions, scope: UInt32 = 0) throws(ProbeError) -> ProbeRun {
        let source = try Self.source(towards: SocketAddress(options.target, port: options.port, scope: scope))
        let target = SocketAddress(options.target, scope: scope)
        let isIPv6 = !options.target.isIPv4
        var options = options
        options.isOwnAddress = source.address == options.target
        return ProbeRun(
            options, target: target, source: source, sender: try .open(.sending, isIPv6: isIPv6),
            segments: try .open(.segments(from: target), isIPv6: isIPv6),
            messages: try .open(.messages, isIPv6: isIPv6))
    }

    /// Probes.
    ///
    /// Blocks for `ProbeOptions.maxTime` and `ProbeOptions.timeout` at most.
    ///
    /// - Throws: `.ioError` where a system call fails.
    package consuming func run() throws(ProbeError) -> ProbeResult {
        loop: while true {
            let now = Self.now()
            // Answers that have come decide what is sent next.
            receive()
            switch planner.next(at: now) {
            case .send(let packet): try send(packet)
            case .wait(let until): try wait(until: until)
            case .done: break loop
            }
        }
        var result = ProbeJudge(planner).result()
        result.unmatched = matcher.unmatched
        return result
    }

    private mutating func send(_ packet: ProbePacket) throws(ProbeError) {
        let flow = try flow(packet)
        let sequence: UInt32 = random.next()
        let payload: ProbeDatagram.Payload
        let port: UInt16
        switch packet.kind {
        case .syn:
            (payload, port) = (.syn(sequence: sequence), planner.options.port)
        case .reference:
            (payload, port) = (.syn(sequence: sequence), planner.options.reference ?? planner.options.port)
        case .echo:
            let number = UInt16(truncatingIfNeeded: sequence)
            (payload, port) = (.echo(sequence: number, token: random.next(), checksum: flow.checksum), 0)
        case .udp:
            // Neither 0, which means none, nor 0xffff, which some take for it.
            (payload, port) = (.udp(checksum: random.next(upperBound: 0xfffe) + 1), Self.closedPort)
        }
        let datagram = ProbeDatagram(
            source: source.address, destination: target.address, ttl: packet.ttl,
            identification: random.next(upperBound: 0xffff) + 1, flowLabel: flow.label, sourcePort: flow.source,
            destinationPort: port, payload: payload)
        matcher.expect(datagram, as: packet.number)
        switch sender.send(datagram.bytes, to: target) {
        case 0: break
        case EPERM, EACCES: planner.refuse(packet.number)
        // The queue is full: as if it were lost.
        case ENOBUFS, EAGAIN: break
        case let code where code == ENETUNREACH || code == EHOSTUNREACH: throw Self.noRoute(target, code)
        case let code: throw .system("sending to \(target.address)", code)
        }
    }

    private mutating func flow(_ packet: ProbePacket) throws(ProbeError) -> Flow {
        let name = Flow.Name(kind: packet.kind, number: packet.flow)
        if let flow = flows[name] { return flow }
        let reserved: ReservedPort? =
            packet.kind == .echo ? nil : try ReservedPort(at: source, isUDP: packet.kind == .udp)
        let flow = Flow(
            reserved: reserved, source: reserved?.number ?? random.next(upperBound: 0xffff) + 1,
            label: random.next(upperBound: 0xf_ffff) + 1, checksum: random.next(upperBound: 0xfffe) + 1)
        flows[name] = flow
        return flow
    }

    /// Takes in what has arrived, a bounded amount at a time.
    private mutating func receive() {
        var budget = 256
        while budget > 0, let arrival = segments.receive() {
            take(arrival)
            budget -= 1
        }
        budget = 256
        while budget > 0, let arrival = messages.receive() {
            take(arrival)
            budget -= 1
        }
    }

    private mutating func take(_ bytes: [UInt8]) {
        guard let (number, answer) = matcher.match(bytes) else { return }
        planner.receive(answer, to: number, at: Self.now())
    }

    /// Until something arrives, or until then.
    private func wait(until time: UInt64) throws(ProbeError) {
        let now = Self.now()
        guard time > now else { return }
        var descriptors = [segments.descriptor, messages.descriptor].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        // Rounded up, so that the time has come when nothing did.
        let milliseconds = Int32(clamping: (time - now + 999_999) / 1_000_000)
        guard poll(&descriptors, nfds_t(descriptors.count), milliseconds) >= 0 || errno == EINTR else {
            throw .system("poll", errno)
        }
    }

    // MARK: - The system

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// This machine's address towards a host: what the kernel takes for a socket that is connected to it.
    ///
    /// Sends nothing.
    private static func source(towards target: SocketAddress) throws(ProbeError) -> SocketAddress {
        let descriptor = socket(
            target.address.isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system("socket", errno) }
        defer { close(descriptor) }
        guard target.with({ connect(descriptor, $0, $1) }) == 0 else { throw noRoute(target, errno) }
        guard let source = SocketAddress.local(of: descriptor) else { throw .system("getsockname", errno) }
        return source
    }

    private static func noRoute(_ target: SocketAddress, _ code: Int32) -> ProbeError {
        var error = ProbeError.system("\(target.address)", code)
        error.code = .unreachable
        error.advice = "Check this machine's routes: ip route get \(target.address)"
        return error
    }
}
