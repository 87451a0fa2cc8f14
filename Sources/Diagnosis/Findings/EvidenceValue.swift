// SPDX-License-Identifier: Apache-2.0
package import Packets

extension Evidence {
    /// A value that was seen or expected, as the engine knows it; `Reporting` puts it into words.
    package enum Value: Equatable, Sendable {
        // Distances
        /// A distance, the number of packets that it rests on where they were counted, and whose packets they are.
        case distance(HopDistance, samples: Int? = nil, of: PacketClass? = nil)
        case ttl(Int)
        /// The TTLs of two copies of one packet.
        case ttls(UInt8, UInt8)
        /// The smallest TTL that reaches a host, as `flows` of a probe show it.
        case reach(ttl: Int, isMinimum: Bool, flows: Int)
        // Header fields
        /// A field, a count, or any other plain number.
        case number(UInt64)
        /// An IP-ID that resets of several connections have.
        case shared(UInt64, connections: Int)
        /// A number that continues a counter whose newest value is given.
        case next(UInt64, of: Counter)
        /// A number shortly before that one.
        case before(UInt64)
        case dscp(Int)
        /// An acknowledged sequence number.
        case acknowledgement(UInt32)
        /// A bound that a sequence number keeps.
        case atMost(UInt64)
        /// A window without the timestamps that the connection uses.
        case bareWindow(UInt64)
        case signature(TCPSignature, isSYN: Bool)
        // Times and packets
        /// A duration in ns, shown in milliseconds.
        case milliseconds(ns: UInt64)
        /// A silence in ns, shown in seconds.
        case silence(ns: UInt64)
        /// A packet that came so long after the reset, in ns.
        case packet(Contradiction, after: UInt64)
        case transmissions(Transmissions)
        /// Answers to copies of a packet, each within so many ms.
        case answers(Int, of: Int, within: UInt64)
        /// A packet that was refused again, and how long (ms) after the first time the last refusal came.
        case repeated(Int, last: UInt64)
        /// The bytes of a segment.
        case bytes(UInt64)
        /// The bytes that got through.
        case passed(bytes: UInt64)
        /// Packets of one connection that were shed, and what remains known of it.
        case shed(Shed)
        // Places
        case address(IPAddress)
        /// Ports of one server.
        case ports([UInt16], of: IPAddress)
        /// A sign of life of a host.
        case life(Finding.Path.Answer, of: IPAddress)
        /// The distance at which a server's own packets are seen.
        case server(IPAddress, HopDistance?)
        /// A router's word to reach a destination by a gateway.
        case redirect(Finding.Path.Redirect, to: IPAddress)
        /// The links that packets of one direction used.
        case link(PathLink)
        /// The original direction of a translated connection.
        case connection(FiveTuple)
        /// The capture in which a packet was seen first.
        case firstSeen(at: String)
        /// The capture that the packet would have passed; `isOfHost` where that is the host's own.
        case missed(at: String, isOfHost: Bool)
        // Counts
        case share(UInt64, of: UInt64)
        /// Connections of which one direction was seen, of all.
        case oneWay(UInt64, of: UInt64)
        /// Counters of the kernel that grew meanwhile, by their names.
        case growths([Growth])
        // This machine
        case missing(Missing)
        /// The interface that packets left by, where it has a name, and where they went.
        case left(by: String?, to: IPAddress)
        case tracking(TrackedConnection)
        /// A table that cannot be read, and the system's reason.
        case unreadable(String)
        case kernel(KernelEvent)
        case rules(Rules)
        /// The reason that a reset carries.
        case stated(ResetReason.Statement)
        // Without a number
        case sign(Sign)
        /// Text from outside: the kernel's name of a reason, an interface, a decoded value.
        case text(String)
    }
}

extension Evidence.Value {
    /// The packets that a distance is of.
    package enum PacketClass: Equatable, Sendable {
        /// The connection's own, of the same direction.
        case connection
        case host
        /// The host's packets in other connections.
        case otherConnections
        case echoReplies
        /// The host's other answers to a probe.
        case probeAnswers
        /// The packets that a running agent saw of the host.
        case agent
        /// The packets of the host that an ICMP error came from.
        case errorSource
        /// The host's newest packets in a row; `before`: the hop of most before them.
        case newest(Int, before: Int? = nil)
        /// Packets of the host, so many of which came from the distance in question.
        case few(Int, of: Int)
        /// Connections that moved to another path together, and the number of their hosts.
        case moved(Int, hosts: Int)
    }

    /// The counter that numbers a packet (IP-ID).
    package enum Counter: Equatable, Sendable {
        case connection
        case host
        /// Of another source at the same hop.
        case otherSource
        /// Of a NAT, for many hosts.
        case shared
    }

    /// A packet that contradicts a reset.
    package enum Contradiction: Equatable, Sendable {
        case data, synACK
    }

    /// The transmissions of one packet.
    package struct Transmissions: Equatable, Sendable {
        package var count: Int
        /// After the first; the first are kept.
        package var seconds: [Double]
        package var isFromServer = false
        /// The time (ns) until the packet got through after all; `nil` where it did not.
        package var delay: UInt64?
    }

    /// The shed part of a connection, and what remains known of it.
    package struct Shed: Equatable, Sendable {
        /// Its handshake too, not only its data.
        package var isWhole: Bool
        /// Other packets of the connection were seen.
        package var isKnown: Bool
        /// Of a flow that an ICMP error quotes.
        package var isQuoted = false
    }

    /// A counter of the kernel and the amount that it grew by.
    package struct Growth: Equatable, Sendable {
        /// As the kernel names it; `nil` where the evidence's name says it.
        package var name: String?
        package var amount: UInt64
    }

    /// Packets that arrived at this machine and did not leave it.
    package struct Missing: Equatable, Sendable {
        package var count: Int
        /// From the first to the last.
        package var milliseconds: UInt64
        /// As they arrived.
        package var arrival: FiveTuple
        /// The interface that they came by, where it has a name.
        package var interface: String?
    }

    /// The kernel's event about a reset that it sent itself.
    package struct KernelEvent: Equatable, Sendable {
        /// The kernel's name of the reason (include/net/rstreason.h).
        package var reason: String?
        package var process: ResetTrace.Process?
        /// True where a socket was aborted, and no packet answered.
        package var isActive: Bool
        package var hasSocket: Bool

        init(_ trace: ResetTrace) {
            reason = trace.reason
            process = trace.process
            isActive = trace.isActive
            hasSocket = trace.hasSocket
        }
    }

    /// The packet filter's rules that can have made a reset.
    package struct Rules: Equatable, Sendable {
        /// As the packet filter lists them; at most a few of those that can have.
        package var named: [String]
        package var count: Int
        /// True where their counters moved; false for the only rule that has none.
        package var hasCounters: Bool

        package init(named: [String], count: Int, hasCounters: Bool) {
            self.named = named
            self.count = count
            self.hasCounters = hasCounters
        }
    }

    /// An observation or expectation without a number.
    package enum Sign: Equatable, Sendable {
        case silence
        /// An IP-ID of the sender's own.
        case otherIdentification
        case anyFlowLabel
        case timestamps
        /// The fields that a socket of the connection writes.
        case socketFields
        /// Seen at egress only.
        case madeHere
        case noKernelEvent
        /// Not in the table.
        case untracked
        /// The handshake's first two segments.
        case synAndSYNACK
        case ackWithinRoundTrip
        /// The packet that an ICMP error quotes.
        case quotedPacket
        /// ICMP errors of the same sender about other packets.
        case errorsOfSender
        /// ICMP errors of other senders.
        case errorsOfOthers
    }
}
