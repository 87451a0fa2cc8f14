// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Explanation
internal import Packets
internal import Reporting

/// One connection, or one attempt at one, as all agents saw it: under every pair of addresses that it had on its way.
package struct FleetAttempt: Sendable {
    package var realm: String
    /// The client's initial sequence number; 0 where no record tells it.
    package var clientISN: UInt32
    package var sightings: [FleetSighting] = []
    package var findings: [FleetFinding] = []
    /// The time of its first packet by the reference's clock, ns since 1970.
    package var time: UInt64 = 0
}

/// Collects the records of the connections that a question means.
struct AttemptCollector {
    /// Records of one packet lie this close together, ns.
    private static let window: UInt64 = 120_000_000_000
    /// Clocks that were compared agree this well, ns.
    private static let tolerance: UInt64 = 1_000_000_000

    private struct Connection: Hashable {
        var realm: String
        var isn: UInt32
        var key: String
    }

    let clocks: FleetClocks

    /// The attempts that match, in the order of their first packets.
    ///
    /// A record that does not match by its addresses belongs to an attempt that does, if it is within two minutes and
    /// has the client's initial sequence number and one equal end, or both that number and the packet's key (address
    /// translation on both sides).
    func attempts(
        _ findings: [FleetFinding], _ sightings: [FleetSighting], matching pattern: Question.FlowPattern,
        since: UInt64, until: UInt64
    ) -> [FleetAttempt] {
        var attempts: [FleetAttempt] = []
        var index: [Connection: [Int]] = [:]

        func place(_ realm: String, _ isn: UInt32, _ key: String, _ time: UInt64) -> Int? {
            let connection = Connection(realm: realm, isn: isn, key: isn == 0 ? key : "")
            return index[connection]?.last { Self.distance(attempts[$0].time, time) <= Self.window }
        }

        func add(_ realm: String, _ isn: UInt32, _ key: String, _ time: UInt64) -> Int {
            if let known = place(realm, isn, key, time) {
                attempts[known].time = min(attempts[known].time, time)
                return known
            }
            attempts.append(FleetAttempt(realm: realm, clientISN: isn, time: time))
            index[Connection(realm: realm, isn: isn, key: isn == 0 ? key : ""), default: []].append(attempts.count - 1)
            return attempts.count - 1
        }

        /// The attempt of a record without a number: the newest one of its ports that began before it.
        func placeByPorts(_ realm: String, _ tuple: FiveTuple, _ time: UInt64) -> Int? {
            attempts.indices.filter { index in
                let attempt = attempts[index]
                return attempt.clientISN != 0 && attempt.realm == realm && attempt.time <= time &+ Self.tolerance
                    && Self.distance(attempt.time, time) <= Self.window
                    && attempt.sightings.contains { $0.fiveTuple == tuple || $0.fiveTuple == tuple.reversed }
            }.max { attempts[$0].time < attempts[$1].time }
        }

        let isAsked = { (time: UInt64) in time >= since && time <= until }
        var others: [(sighting: FleetSighting, time: UInt64)] = []
        var unnumbered: [(sighting: FleetSighting, time: UInt64)] = []
        for sighting in sightings {
            let time = clocks.time(sighting.time, of: FleetData.AgentKey(sighting.reporter))
            guard isAsked(time), pattern.matches(sighting.fiveTuple) else {
                if sighting.clientISN != 0 { others.append((sighting, time)) }
                continue
            }
            guard sighting.clientISN != 0 else {
                unnumbered.append((sighting, time))
                continue
            }
            let place = add(sighting.reporter.realm, sighting.clientISN, sighting.packetKey, time)
            attempts[place].sightings.append(sighting)
        }
        // An agent need not know the connection that a reset ends.
        for (sighting, time) in unnumbered {
            let place =
                placeByPorts(sighting.reporter.realm, sighting.fiveTuple, time)
                ?? add(sighting.reporter.realm, 0, sighting.packetKey, time)
            attempts[place].sightings.append(sighting)
        }
        // A finding of an agent that did not see the opening has no number: the packet's key tells it.
        var numbers: [Connection: UInt32] = [:]
        for attempt in attempts where attempt.clientISN != 0 {
            for sighting in attempt.sightings where sighting.packet == .reset {
                numbers[Connection(realm: attempt.realm, isn: 0, key: sighting.packetKey)] = attempt.clientISN
            }
        }
        for finding in findings where finding.isReset && finding.clientISN != 0 && pattern.matches(finding.fiveTuple) {
            numbers[Connection(realm: finding.reporter.realm, isn: 0, key: finding.packetKey)] = finding.clientISN
        }
        var otherFindings: [(finding: FleetFinding, time: UInt64, isn: UInt32)] = []
        for finding in findings where finding.isReset {
            let time = clocks.time(finding.time, of: FleetData.AgentKey(finding.reporter))
            let known = numbers[Connection(realm: finding.reporter.realm, isn: 0, key: finding.packetKey)] ?? 0
            let isn = finding.clientISN != 0 ? finding.clientISN : known
            guard isAsked(time), pattern.matches(finding.fiveTuple) else {
                otherFindings.append((finding, time, isn))
                continue
            }
            let byPorts = isn == 0 ? placeByPorts(finding.reporter.realm, finding.fiveTuple, time) : nil
            let place = byPorts ?? add(finding.reporter.realm, isn, finding.packetKey, time)
            attempts[place].findings.append(finding)
        }
        for (sighting, time) in others {
            guard let place = place(sighting.reporter.realm, sighting.clientISN, sighting.packetKey, time),
                Self.belongs(sighting.fiveTuple, sighting.packetKey, to: attempts[place])
            else { continue }
            attempts[place].sightings.append(sighting)
        }
        for (finding, time, isn) in otherFindings {
            let place =
                place(finding.reporter.realm, isn, finding.packetKey, time)
                ?? attempts.indices.last { index in
                    attempts[index].realm == finding.reporter.realm
                        && Self.distance(attempts[index].time, time) <= Self.window
                        && attempts[index].findings.contains { $0.packetKey == finding.packetKey }
                }
            guard let place, Self.belongs(finding.fiveTuple, finding.packetKey, to: attempts[place]) else { continue }
            attempts[place].findings.append(finding)
        }
        return attempts.sorted { ($0.time, $0.clientISN) < ($1.time, $1.clientISN) }
    }

    /// True where a record under other addresses is of the same connection.
    private static func belongs(_ tuple: FiveTuple, _ key: String, to attempt: FleetAttempt) -> Bool {
        let tuples = attempt.sightings.map(\.fiveTuple) + attempt.findings.map(\.fiveTuple)
        let ends = Set(tuples.flatMap { [End($0.source, $0.sourcePort), End($0.destination, $0.destinationPort)] })
        if ends.contains(End(tuple.source, tuple.sourcePort)) { return true }
        if ends.contains(End(tuple.destination, tuple.destinationPort)) { return true }
        return attempt.clientISN != 0
            && (attempt.sightings.contains { $0.packetKey == key } || attempt.findings.contains { $0.packetKey == key })
    }

    private struct End: Hashable {
        var address: IPAddress
        var port: UInt16

        init(_ address: IPAddress, _ port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    private static func distance(_ one: UInt64, _ other: UInt64) -> UInt64 { one > other ? one - other : other - one }
}
