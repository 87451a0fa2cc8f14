// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// ICMP errors that say the same: the first one, what was known when it came, and how many followed.
struct ICMPCase: Sendable {
    /// The identity of an error for people: the sender, the error, and the service.
    struct Key: Hashable, Sendable {
        /// `nil` where there are too many kinds to tell them apart.
        var from: IPAddress?
        var to: IPAddress?
        var destination: IPAddress?
        var gateway: IPAddress?
        var type: UInt8
        var code: UInt8
        var isIPv6: Bool
        var transport: UInt8
        /// Of the service, 0 where ports do not matter.
        var port: UInt16
        var isFlowSeen: Bool
    }

    /// The other errors that are counted with the first.
    enum Breadth: Sendable {
        /// The same.
        case kind
        /// Errors of the same sender about other packets.
        case sender
        /// Errors of other senders.
        case all
    }

    /// The state of the quoted flow in the flow table.
    struct Flow: Sendable {
        var key: FlowKey
        /// The quoted packet's source is the flow key's high end.
        var sourceIsHigh: Bool
        /// The side that opened it; `nil` where that was not seen.
        var clientIsSource: Bool?
        /// The lowest TTL that packets of the quoted direction had here.
        var lowestTTL: UInt8
        /// The quoted sequence number is near what was sent; `nil` where that cannot be told.
        var isInWindow: Bool?
        /// The other side had already acknowledged what is quoted.
        var wasAcknowledged: Bool
    }

    var message: ICMPMessage
    var record: PacketRecord
    var time: UInt64
    var frame: UInt64
    var file: String?
    var passage: ResetCase.Passage
    var vantage: Finding.Vantage?
    /// `nil` where the quoted flow was not seen.
    var flow: Flow?
    /// Packets of the quoted flow were shed: `flow` may lack them.
    var isShed = false
    /// Of the host that it comes from, where that is the quoted destination: how far its own packets come.
    var hostDistance: (distance: HopDistance, samples: Int)?
    var count = 1
    /// The window's place in `ICMPErrors.windows`, and when it ends, ns.
    var level = 0
    var end: UInt64 = 0
    /// The quoted packet was quoted again, so long (ns) after the first time; 0 if it was not.
    var sentAgainAfter: UInt64 = 0
    var sentAgain = 0
    /// The time (ns) between the first and the last error.
    var span: UInt64 = 0
    var breadth = Breadth.kind
    /// The finding as it was told; `nil` before.
    var told: Finding?

    /// The hop that it came from; 0 for this machine, `nil` where its TTL is not known.
    var hop: Int? { record.hasTTL ? distance.hop : nil }

    private var distance: HopDistance { HopDistance(ttl: record.ttl, isEgress: passage != .arrived) }

    /// The same segment soon after is a copy or a retransmission on the wire before the error was read.
    private static let repeatTime: UInt64 = 100_000_000
    /// A redirect that comes for so long (ns) is not followed: those that come sooner answer packets that were on their
    /// way.
    private static let followTime: UInt64 = 1_000_000_000

    /// Counts one more of the same.
    mutating func add(_ next: ICMPMessage, at now: UInt64) {
        if count < .max { count += 1 }
        span = now > time ? max(span, now - time) : span
        guard next.quote.seq != nil, next.quote.isSamePacket(message.quote), now > time, now - time >= Self.repeatTime
        else { return }
        sentAgainAfter = now - time
        sentAgain += 1
    }
}

extension QuotedPacket {
    /// The same bytes of the same flow, sent once more or not.
    func isSamePacket(_ other: QuotedPacket) -> Bool {
        source == other.source && destination == other.destination && fiveTuple == other.fiveTuple
            && seq == other.seq && ack == other.ack
    }
}

// MARK: - Telling

extension ICMPCase {
    /// The ports that traceroute's UDP probes begin from, and as far as it can count (traceroute(8)).
    static func isTraceroute(_ port: UInt16) -> Bool { (33_434...33_534).contains(port) }

    /// TTLs that programs set to find a path begin at 1 and end at 30 or 32; those of hosts begin at 64 and lose one a
    /// hop.
    private static let tracedTTLs: ClosedRange<UInt8> = 0...32

    /// The quoted five-tuple; ports are 0 where they were not quoted.
    var quoted: FiveTuple {
        let quote = message.quote
        return quote.fiveTuple
            ?? FiveTuple(
                source: quote.source, sourcePort: 0, destination: quote.destination, destinationPort: 0,
                transport: quote.transport ?? .other)
    }

    /// The client first, where that is known.
    var fiveTuple: FiveTuple { flow?.clientIsSource == false ? quoted.reversed : quoted }

    var details: Finding.ICMPError {
        var details = Finding.ICMPError(
            type: message.type, code: message.code, isIPv6: message.isIPv6, from: message.from, hop: hop,
            quoted: quoted)
        details.gateway = message.gateway
        details.mtu = message.mtu
        details.to = message.to
        details.octet = message.octet
        details.protocolNumber = message.quote.protocolNumber
        details.clientIsSource = flow?.clientIsSource
        return details
    }

    /// The evidence from the packets themselves; the engine adds the later course of the flow.
    var evidence: [Evidence] {
        belief + meaning + course
    }

    /// Whether it can be believed.
    private var belief: [Evidence] {
        var evidence: [Evidence] = []
        if isShed {
            let shed = Evidence.Value.Shed(isWhole: flow == nil, isKnown: flow != nil, isQuoted: true)
            evidence.append(Evidence(.flowShed, observed: .shed(shed)))
        } else if flow == nil, message.quote.fiveTuple != nil {
            evidence.append(Evidence(.noFlow, expected: .sign(.quotedPacket)))
        } else if flow?.isInWindow == false {
            evidence.append(
                Evidence(.outsideWindow, observed: message.quote.seq.map { .number(UInt64($0)) }))
        }
        if let host = hostDistance, passage == .arrived, let hop, hop < host.distance.hop {
            evidence.append(
                Evidence(
                    note: .ttlHost, observed: .distance(HopDistance(ttl: record.ttl)),
                    expected: .distance(host.distance, samples: host.samples, of: .errorSource)))
        }
        if message.kind == .redirect, !message.isPlausibleRedirect {
            evidence.append(Evidence(.implausible))
        }
        return evidence
    }

    /// The notes about its meaning.
    private var meaning: [Evidence] {
        var evidence: [Evidence] = []
        if message.kind == .timeExceeded, message.code == 0, let ttl = flow?.lowestTTL {
            if Self.tracedTTLs.contains(ttl) {
                evidence.append(Evidence(.traced, observed: .number(UInt64(ttl))))
            } else if !isShed {
                evidence.append(Evidence(.looped, observed: .number(UInt64(ttl))))
            }
        }
        if message.kind == .unreachable, message.quote.transport == .udp,
            Self.isTraceroute(message.quote.ports?.destination ?? 0)
        {
            evidence.append(Evidence(.traced))
        }
        if flow?.clientIsSource == false {
            evidence.append(Evidence(.answer))
        }
        return evidence
    }

    /// The notes about the later course.
    private var course: [Evidence] {
        var evidence: [Evidence] = []
        if sentAgain > 0 {
            evidence.append(Evidence(.sentAgain, observed: .repeated(sentAgain, last: sentAgainAfter / 1_000_000)))
        }
        if message.kind == .redirect, count > 1, span >= Self.followTime {
            evidence.append(Evidence(.toldAgain, observed: .number(UInt64(count))))
        }
        switch breadth {
        case .kind: break
        case .sender: evidence.append(Evidence(.others, observed: .sign(.errorsOfSender)))
        case .all: evidence.append(Evidence(.others, observed: .sign(.errorsOfOthers)))
        }
        return evidence
    }
}
