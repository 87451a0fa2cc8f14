// SPDX-License-Identifier: Apache-2.0
import Packets

@testable import Diagnosis

/// A network in a few lines: what a probe's packets meet on their way.
///
/// Answers come at once or never; time is counted, not waited for.
struct ProbeNetwork {
    static let host = IPAddress(v4: 0x0a04_0002)
    static let you = IPAddress(v4: 0x0a01_0001)

    /// The treatment of forwarded SYNs to the probed port.
    ///
    /// As Linux does, after it has looked at the TTL.
    enum Policy {
        case forward, reset, drop, prohibit
        /// Answers in the host's name, like a proxy.
        case accept
        /// Rejects before it looks at the TTL.
        case resetAtOnce
    }

    /// The state of the host's port.
    enum Port { case open, closed, silent, prohibited }

    struct Device {
        var address: IPAddress
        var policy = Policy.forward
        /// False for one that sends no ICMP errors.
        var tells = true
        /// Errors that it sends at most each second.
        var errorsPerSecond = Int.max
        /// True for one that drops echoes and UDP.
        var dropsOthers = false
        /// Lost before it: each packet number for which this is true.
        var loses: (Int) -> Bool = { _ in false }
    }

    var devices: [Device]
    var port = Port.closed
    var answersEcho = true
    var answersUDP = true
    var initialTTL: UInt8 = 64
    /// Devices on the way back that the way there does not have.
    var extraBack = 0
    /// Hops that the address's own ping answers are nearer: a translator answers them.
    var echoNearer = 0
    /// Flows of these go past one device fewer.
    var shortcuts: (ProbePacket) -> Bool = { _ in false }
    /// Packets that came to a stateful device before; it takes no second SYN of a flow.
    var forgetsNothing = false
    private(set) var log: [ProbePacket] = []
    private var errors: [IPAddress: [UInt64]] = [:]
    private var seen: Set<Int> = []

    /// `count` devices 10.N.0.2, the firewall among them at `hop`.
    init(_ count: Int = 3, at hop: Int = 0, _ policy: Policy = .forward) {
        devices = (1...max(count, 1)).map { Device(address: IPAddress(v4: 0x0a00_0002 | UInt32($0) << 16)) }
        if count == 0 { devices = [] }
        if hop > 0 { devices[hop - 1].policy = policy }
    }

    /// Probes it to the end.
    mutating func probe(
        _ change: (inout ProbeOptions) -> Void = { _ in }, forging: ((ProbePacket) -> ProbeAnswer?)? = nil
    ) -> ProbeResult {
        var options = ProbeOptions(target: Self.host, port: 22)
        change(&options)
        var planner = ProbePlanner(options)
        var now: UInt64 = 1_000_000_000
        // Far more steps than any probe takes: an endless one fails its test instead of hanging it.
        for _ in 0..<10_000 {
            switch planner.next(at: now) {
            case .send(let packet):
                log.append(packet)
                if let answer = answer(packet, at: now) { planner.receive(answer, to: packet.number, at: now + 1000) }
                if let forged = forging?(packet) { planner.receive(forged, to: packet.number, at: now + 2000) }
                now += 1000
            case .wait(let until): now = max(until, now + 1)
            case .done: return ProbeJudge(planner).result()
            }
        }
        return ProbeJudge(planner).result()
    }

    private mutating func answer(_ packet: ProbePacket, at now: UInt64) -> ProbeAnswer? {
        var ttl = Int(packet.ttl)
        let way = shortcuts(packet) ? Array(devices.dropLast()) : devices
        for (index, device) in way.enumerated() {
            if device.loses(packet.number) { return nil }
            let isSYN = packet.kind == .syn
            if isSYN, device.policy == .resetAtOnce { return told(.reset, Self.host, index) }
            ttl -= 1
            if ttl == 0 { return error(.timeExceeded, device, index, now) }
            if packet.kind == .echo, echoNearer > 0, index == devices.count - echoNearer {
                return told(.echoReply, Self.host, index)
            }
            if !isSYN {
                if device.dropsOthers, packet.kind != .reference { return nil }
                continue
            }
            if forgetsNothing, index == 0, !seen.insert(packet.flow).inserted { return nil }
            switch device.policy {
            case .forward, .resetAtOnce: break
            case .reset: return told(.reset, Self.host, index)
            case .accept: return told(.synAck, Self.host, index)
            case .drop: return nil
            case .prohibit: return error(.unreachable(.prohibited), device, index, now)
            }
        }
        switch packet.kind {
        case .echo: return answersEcho ? told(.echoReply, Self.host, way.count) : nil
        case .udp: return answersUDP ? told(.unreachable(.port), Self.host, way.count) : nil
        case .reference: return told(.synAck, Self.host, way.count)
        case .syn:
            switch port {
            case .open: return told(.synAck, Self.host, way.count)
            case .closed: return told(.reset, Self.host, way.count)
            case .silent: return nil
            case .prohibited: return told(.unreachable(.prohibited), Self.host, way.count)
            }
        }
    }

    private func told(_ kind: ProbeAnswer.Kind, _ source: IPAddress, _ index: Int) -> ProbeAnswer {
        ProbeAnswer(kind, from: source, distance: HopDistance(ttl: initialTTL - UInt8(index + extraBack)))
    }

    private mutating func error(_ kind: ProbeAnswer.Kind, _ device: Device, _ index: Int, _ now: UInt64) -> ProbeAnswer?
    {
        guard device.tells else { return nil }
        let recent = (errors[device.address] ?? []).filter { $0 + 1_000_000_000 > now }
        guard recent.count < device.errorsPerSecond else { return nil }
        errors[device.address] = recent + [now]
        return told(kind, device.address, index)
    }
}
