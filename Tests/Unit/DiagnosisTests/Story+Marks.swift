// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets

@testable import Diagnosis

/// The fields of a packet besides its flags and numbers.
struct Marks {
    /// `nil`: 64 from the client, `serverTTL` from the server.
    var ttl: UInt8?
    var dscp: UInt8 = 0
    /// IP-ID, or flow label in IPv6.
    var identification: UInt32 = 0
    /// `nil`: 500, or 0 in a reset.
    var window: UInt16?
    var timestamps: (value: UInt32, echo: UInt32)?
    var mac = MACAddress.neighbour
}

enum End {
    case client, server
}

extension Story {
    /// A packet of either end with all its marks, of IPv4 or IPv6 as `isIPv6` says.
    mutating func send(
        _ end: End, _ flags: TCPFlags, seq: UInt32 = 0, ack: UInt32 = 0, _ marks: Marks = Marks(), payload: String = ""
    ) {
        let isClient = end == .client
        let ttl = marks.ttl ?? (isClient ? 64 : serverTTL)
        let frame = Ethernet(source: isClient ? .here : marks.mac)
        let source: IPAddress = isIPv6 ? (isClient ? .client6 : .server6) : (isClient ? .client : server)
        let destination: IPAddress = isIPv6 ? (isClient ? .server6 : .client6) : (isClient ? server : .client)
        let network =
            isIPv6
            ? frame.ipv6(
                source, destination, hopLimit: ttl, trafficClass: marks.dscp << 2, flowLabel: marks.identification)
            : frame.ipv4(
                source, destination, ttl: ttl, tos: marks.dscp << 2,
                identification: UInt16(truncatingIfNeeded: marks.identification))
        var options: [UInt8] = []
        if let timestamps = marks.timestamps {
            options = [1, 1, 8, 10]
            for word in [timestamps.value, timestamps.echo] {
                options += (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
            }
        }
        add(
            network.tcp(
                isClient ? clientPort : serverPort, isClient ? serverPort : clientPort, seq: seq, ack: ack,
                flags: flags,
                window: marks.window ?? (flags.contains(.rst) ? 0 : 500), options: options
            ).payload(payload))
    }

    /// A connection in which the client asked and the server answered.
    ///
    /// The client has sent up to 1002 and acknowledged 9002, the server the other way round.
    ///
    /// - Parameters:
    ///   - client: Marks of the client's packets.
    ///   - server: Marks of the server's packets; its IP-ID counts up if it is not 0, in IPv6 the label stays.
    ///   - ticks: What TCP timestamps start from, one a packet; `nil` for none.
    mutating func converse(client: Marks = Marks(), server: Marks = Marks(), ticks: UInt32? = nil) {
        var ofClient = client
        var ofServer = server
        if let ticks { ofClient.timestamps = (ticks, 0) }
        send(.client, .syn, seq: 1000, ofClient)
        if let ticks { ofServer.timestamps = (ticks + 5000, ticks) }
        send(.server, [.syn, .ack], seq: 9000, ack: 1001, ofServer)
        if let ticks { ofClient.timestamps = (ticks + 1, ticks + 5000) }
        send(.client, .ack, seq: 1001, ack: 9001, ofClient)
        send(.client, [.psh, .ack], seq: 1001, ack: 9001, ofClient, payload: "A")
        if let ticks { ofServer.timestamps = (ticks + 5001, ticks + 1) }
        if !isIPv6, ofServer.identification != 0 { ofServer.identification += 1 }
        send(.server, [.psh, .ack], seq: 9001, ack: 1002, ofServer, payload: "B")
        send(.client, .ack, seq: 1002, ack: 9002, ofClient)
    }

    /// The only finding.
    ///
    /// Fails the test where there is another number of them.
    func finding() throws -> Finding {
        let all = findings().filter { $0.kind == .reset }
        guard let first = all.first, all.count == 1 else { throw NotOne(count: all.count) }
        return first
    }

    struct NotOne: Error {
        var count: Int
    }
}

extension Finding {
    /// The weight of the piece of evidence of that name, `nil` where it is missing.
    func weight(_ name: EvidenceName) -> Double? {
        evidence.first { $0.name == name }?.weight
    }

    /// The weight of the reset's delay: against the host where it came too soon, for the host where it came in time.
    var timeWeight: Double? { weight(.soonerThanRTT) ?? weight(.plausibleRTT) }
}
