// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The log of a probe: packets sent and answers received.
///
/// At most `ProbeOptions.maxPackets` entries.
package struct ProbeLog: Sendable {
    package struct Entry: Sendable {
        package var packet: ProbePacket
        /// ns of the clock that the planner is driven by.
        package var sentAt: UInt64
        package var answer: ProbeAnswer?
        /// A second answer of another kind: a device on the path answers and lets the packet pass as well.
        package var other: ProbeAnswer?
        /// ns from sending to the answer.
        package var roundTrip: UInt64?
        /// True where this machine did not let it out.
        package var isRefused = false
    }

    package internal(set) var entries: [Entry] = []

    func entries(_ kind: ProbePacket.Kind) -> some Sequence<Entry> {
        entries.lazy.filter { $0.packet.kind == kind }
    }

    /// Entries of a TTL-limited kind that were sent to find hops.
    func scanned(_ kind: ProbePacket.Kind, ttl: Int) -> some Sequence<Entry> {
        entries.lazy.filter { $0.packet.kind == kind && Int($0.packet.ttl) == ttl }
    }

    /// The smallest TTL, up to `maxHops`, with which packets of `kind` were answered by more than time exceeded.
    func firstAnswered(_ kind: ProbePacket.Kind, maxHops: Int) -> Int? {
        entries(kind).filter { Int($0.packet.ttl) <= maxHops && $0.answer?.ends == true }.map { Int($0.packet.ttl) }
            .min()
    }

    /// The smallest TTL, up to `maxHops`, with which the host itself answered packets of `kind`.
    func firstAnswered(_ kind: ProbePacket.Kind, by host: IPAddress, maxHops: Int) -> Int? {
        entries(kind)
            .filter { Int($0.packet.ttl) <= maxHops && $0.answer?.ends == true && $0.answer?.source == host }
            .map { Int($0.packet.ttl) }.min()
    }

    /// The greatest TTL that drew time exceeded.
    func lastExceeded(_ kind: ProbePacket.Kind, maxHops: Int) -> Int? {
        entries(kind).filter { Int($0.packet.ttl) <= maxHops && $0.answer?.kind == .timeExceeded }
            .map { Int($0.packet.ttl) }.max()
    }

    /// Returns the time exceeded messages for this TTL, those of SYNs first.
    func exceeded(ttl: Int) -> [(kind: ProbePacket.Kind, answer: ProbeAnswer, roundTrip: UInt64)] {
        ProbePacket.Kind.allCases.flatMap { kind in
            scanned(kind, ttl: ttl).compactMap { entry in
                let answers = [entry.answer, entry.other].compactMap { $0 }
                guard let answer = answers.first(where: { $0.kind == .timeExceeded }) else { return nil }
                return (kind, answer, entry.roundTrip ?? 0)
            }
        }
    }
}

extension ProbeAnswer {
    /// True for everything but time exceeded: the packet was answered, not merely lost its TTL.
    var ends: Bool { kind != .timeExceeded }
}
