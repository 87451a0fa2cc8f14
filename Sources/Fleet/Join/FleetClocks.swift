// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The offsets between the agents' clocks, measured from packets that several of them saw.
///
/// Each agent is compared with one that is compared already, the pair with the most shared packets first. An agent that
/// shares none keeps its own time.
package struct FleetClocks: Sendable {
    /// The offset of one agent's clock, and the basis of the measurement.
    package struct Offset: Sendable, Equatable {
        /// The lead over the reference, ns.
        package var nanoseconds: Int64
        /// Shared packets that it rests on.
        package var samples: Int
        /// False where packets of one direction only were shared: their delay counts as offset.
        package var isSeparable: Bool
    }

    /// Agents that are compared at most: the estimate of each pair is computed.
    private static let capacity = 128

    /// The agent whose clock the others are measured by; `nil` where no packet was seen twice.
    package private(set) var reference: FleetData.AgentKey?
    package private(set) var offsets: [FleetData.AgentKey: Offset] = [:]

    private struct PacketID: Hashable {
        var realm: String
        var key: String
        var isn: UInt32
        var packet: FleetSighting.Packet
        var isFromClient: Bool
    }

    private struct Pair: Hashable {
        var one: FleetData.AgentKey
        var other: FleetData.AgentKey
    }

    package init(_ sightings: [FleetSighting]) {
        var pairs: [Pair: [ClockSample]] = [:]
        for (_, all) in Dictionary(grouping: sightings.filter { $0.reason != .deviceLog }, by: Self.id) {
            // A packet that an agent saw twice is a retransmission, or two interfaces: which belongs to which is open.
            let byAgent = Dictionary(grouping: all) { FleetData.AgentKey($0.reporter) }
            let single = byAgent.compactMap { $0.value.count == 1 ? $0.value[0] : nil }
                .sorted { $0.reporter.agent < $1.reporter.agent }
            guard single.count > 1, single.count <= Self.capacity else { continue }
            for one in single {
                for other in single where FleetData.AgentKey(one.reporter) != FleetData.AgentKey(other.reporter) {
                    let pair = Pair(one: FleetData.AgentKey(one.reporter), other: FleetData.AgentKey(other.reporter))
                    let difference = Int64(bitPattern: other.time &- one.time)
                    pairs[pair, default: []].append(
                        ClockSample(time: one.time, difference: difference, way: Self.way(from: one, to: other)))
                }
            }
        }
        measure(pairs)
    }

    private static func id(_ sighting: FleetSighting) -> PacketID {
        PacketID(
            realm: sighting.reporter.realm, key: sighting.packetKey, isn: sighting.clientISN, packet: sighting.packet,
            isFromClient: sighting.isFromClient)
    }

    private static func way(from one: FleetSighting, to other: FleetSighting) -> ClockSample.Way {
        if one.hop >= 0, other.hop >= 0, one.hop != other.hop { return one.hop < other.hop ? .there : .back }
        return one.isFromClient ? .one : .two
    }

    private mutating func measure(_ pairs: [Pair: [ClockSample]]) {
        let shared = pairs.reduce(into: [FleetData.AgentKey: Int]()) { $0[$1.key.one, default: 0] += $1.value.count }
        guard let first = shared.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key else { return }
        reference = first
        offsets[first] = Offset(nanoseconds: 0, samples: 0, isSeparable: true)
        while offsets.count < Self.capacity {
            // Of equally good pairs always the same one: answers do not differ from run to run.
            let next = pairs.filter { offsets[$0.key.one] != nil && offsets[$0.key.other] == nil }
                .max {
                    ($0.value.count, $1.key.other, $1.key.one) < ($1.value.count, $0.key.other, $0.key.one)
                }
            guard let next, let known = offsets[next.key.one], let estimate = ClockEstimate(next.value) else { return }
            offsets[next.key.other] = Offset(
                nanoseconds: known.nanoseconds &+ estimate.offset, samples: next.value.count,
                isSeparable: known.isSeparable && estimate.isSeparable)
        }
    }

    /// A time of an agent as the reference's clock would tell it.
    package func time(_ time: UInt64, of agent: FleetData.AgentKey) -> UInt64 {
        guard let offset = offsets[agent]?.nanoseconds, time != 0 else { return time }
        let (moved, overflow) = Int64(clamping: time).subtractingReportingOverflow(offset)
        return overflow || moved < 0 ? time : UInt64(moved)
    }

    /// A time of the reference as an agent's clock tells it.
    func agentTime(_ time: UInt64, of agent: FleetData.AgentKey) -> UInt64 {
        guard let offset = offsets[agent]?.nanoseconds else { return time }
        let (moved, overflow) = Int64(clamping: time).addingReportingOverflow(offset)
        return overflow || moved < 0 ? time : UInt64(moved)
    }
}
