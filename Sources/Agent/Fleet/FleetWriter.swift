// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Capture
package import Diagnosis
internal import Dispatch
internal import Fleet
internal import Glibc
package import Packets
internal import Reporting
internal import Synchronization

/// Writes the records of the fleet into the spool, on a thread of its own: a disk that is slow or full holds up no
/// capture.
///
/// It uses no network; `rstwho ship` or another program sends the batches.
package final class FleetWriter: Sendable {
    /// The account of the records, for metrics.
    package struct Status: Sendable, Equatable {
        package var account = FleetSpool.Account()
        /// The age of the oldest batch, s.
        package var seconds: UInt64 = 0
        package var isBroken = false
        package var sampledShare: Double = 0
    }

    /// The agent's state that its own records tell.
    package struct Facts: Sendable {
        package var ledger: Ledger
        package var connections: UInt64
        package var addresses: [IPAddress]
        package var clockOffset: Int32
        /// -1 where the clock is not synchronised.
        package var clockError: Int32

        package init(
            ledger: Ledger, connections: UInt64, addresses: [IPAddress], clockOffset: Int32 = 0, clockError: Int32 = 0
        ) {
            self.ledger = ledger
            self.connections = connections
            self.addresses = addresses
            self.clockOffset = clockOffset
            self.clockError = clockError
        }
    }

    private struct Mail {
        var findings: [Finding] = []
        var packets: [(packet: SeenPacket, interface: String)] = []
        var hosts: [HostSummary] = []
        /// The client's initial sequence number by finding.
        var numbers: [String: UInt32] = [:]
        var watermark: UInt64 = 0
        var lostFindings = 0
        var lostPackets = 0
        var forgetting: [(prefix: IPPrefix, done: @Sendable (Int) -> Void)] = []
        var isClosed = false
    }

    private static let findingCapacity = 10_000
    private static let packetCapacity = 20_000
    private static let hostCapacity = 5000
    /// Findings a second, after a burst of as many seconds' worth as `burst`.
    private static let findingRate = 100.0
    private static let burst = 10.0
    /// Packets a second that `auto` aims at.
    private static let packetRate = 20.0
    private static let agentInterval: UInt64 = 60_000_000_000

    private let options: SpoolOptions
    private let reporter: FleetReporter
    private let boot: UInt64
    private let hashKey: UInt32
    private let settleTime: UInt64
    private let facts: @Sendable () -> Facts
    private let problem: @Sendable (String) -> Void
    private let mail = Mutex(Mail())
    private let wakeup = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)
    private let state = Mutex(Status())
    /// Bits of `sampledShare`, for the capture thread.
    private let share: Atomic<UInt64>

    /// - Parameters:
    ///   - options: the settings.
    ///   - name: the agent's, where the settings have none.
    ///   - hashKey: the key by which flows are sampled.
    ///   - settleTime: the time (ns) for which a reset waits for its verdict.
    ///   - now: the time of the start, ns since 1970.
    ///   - facts: asked for once a minute, on the writer's thread.
    ///   - problem: called when the spool cannot be written, and when it can again.
    package init(
        _ options: SpoolOptions, name: String, hashKey: FlowHashKey, settleTime: UInt64, now: UInt64 = History.now(),
        facts: @escaping @Sendable () -> Facts, problem: @escaping @Sendable (String) -> Void
    ) {
        self.options = options
        reporter = FleetReporter(
            realm: options.realm, agent: options.name.isEmpty ? name : options.name, site: options.site,
            machine: MachineIdentity.current())
        boot = now
        self.hashKey = hashKey.fingerprint
        self.settleTime = settleTime
        self.facts = facts
        self.problem = problem
        share = Atomic((options.sampledShare ?? 1).bitPattern)
    }

    package var status: Status { state.withLock { $0 } }

    /// The part of flows whose packets are to be picked now.
    package var sampledShare: Double { Double(bitPattern: share.load(ordering: .relaxed)) }

    // MARK: On the capture thread

    /// Takes findings, with the time of day; never waits.
    package func offer(_ findings: [Finding]) {
        let wanted = findings.filter { finding in
            switch options.findings {
            case .all: true
            case .problems: finding.isProblem
            case .felt:
                finding.isProblem || finding.reset.map { $0.stage != .afterClose && $0.stage != .none } ?? false
            }
        }
        guard !wanted.isEmpty else { return }
        mail.withLock { mail in
            let room = Self.findingCapacity - mail.findings.count
            mail.findings += wanted.prefix(room)
            mail.lostFindings += max(wanted.count - room, 0)
        }
    }

    /// Takes packets to report, and how far the capture has come; never waits.
    ///
    /// - `numbers`: the client's initial sequence number of findings that are offered next, by their ids.
    package func offer(
        _ packets: [SeenPacket], _ numbers: [String: UInt32] = [:], interfaces: [String], upTo watermark: UInt64,
        _ correction: ClockCorrection
    ) {
        mail.withLock { mail in
            if !numbers.isEmpty, mail.numbers.count < Self.findingCapacity {
                mail.numbers.merge(numbers) { $1 }
            }
            mail.watermark = max(mail.watermark, correction.time(watermark))
            let room = Self.packetCapacity - mail.packets.count
            for var packet in packets.prefix(room) {
                let slot = Int(packet.record.interfaceSlot)
                packet.time = correction.time(packet.time)
                mail.packets.append((packet, slot < interfaces.count ? interfaces[slot] : ""))
            }
            mail.lostPackets += max(packets.count - room, 0)
        }
    }

    /// Takes the hosts as the engine knows them now.
    package func offer(hosts: [HostSummary]) {
        mail.withLock { $0.hosts = Array(hosts.prefix(Self.hostCapacity)) }
    }

    // MARK: Life

    /// Begins to write in a directory.
    package func start(in directory: String) {
        // Before the agent confines itself: what is not there yet could not be opened afterwards.
        _ = mkdir(directory, 0o770)
        do {
            try BlockingThread.start(named: "rstwho-fleet") {
                self.writeAll(directory)
                self.done.signal()
            }
        } catch {
            problem("\(error). Findings are told all the same; the fleet gets no records")
            done.signal()
        }
    }

    /// Waits until everything is on the disk, but not longer than `seconds`.
    package func finish(seconds: Int) {
        mail.withLock { $0.isClosed = true }
        wakeup.signal()
        _ = done.wait(timeout: .now() + .seconds(seconds))
    }

    /// Removes what the spool has about the addresses of a prefix; returns how many records there were.
    package func forget(_ prefix: IPPrefix) async -> Int {
        await withCheckedContinuation { continuation in
            let isOpen = mail.withLock { mail in
                if mail.isClosed { return false }
                mail.forgetting.append((prefix, { continuation.resume(returning: $0) }))
                return true
            }
            if isOpen { wakeup.signal() } else { continuation.resume(returning: 0) }
        }
    }

    // MARK: On the writer's thread

    /// The thread's memory from turn to turn.
    private struct Work {
        var credit = FleetWriter.findingRate * FleetWriter.burst
        var lastTurn: UInt64 = 0
        var nextClose: UInt64 = 0
        var nextAgent: UInt64 = 0
        var packets = 0
        var isBroken = false
    }

    private func writeAll(_ directory: String) {
        var spool: FleetSpool?
        var work = Work()
        while true {
            let now = History.now()
            let mail = self.mail.withLock { mail in
                defer {
                    let (watermark, isClosed) = (mail.watermark, mail.isClosed)
                    mail = Mail()
                    (mail.watermark, mail.isClosed) = (watermark, isClosed)
                }
                return mail
            }
            do throws(FleetSpoolError) {
                var open: FleetSpool
                if let known = spool.take() {
                    open = known
                } else {
                    open = try FleetSpool(
                        directory, bytes: options.spoolBytes, age: UInt64(options.spoolHours) * 3600, now: now)
                }
                let isWritten: Bool
                do throws(FleetSpoolError) {
                    isWritten = try turn(mail, &open, &work, now: now)
                } catch {
                    spool = consume open
                    throw error
                }
                spool = consume open
                if work.isBroken, isWritten {
                    work.isBroken = false
                    problem("\(directory): records for the fleet are written again")
                }
            } catch {
                if !work.isBroken {
                    work.isBroken = true
                    problem("\(error). Findings are told all the same; records for the fleet are lost meanwhile")
                }
            }
            for request in mail.forgetting { request.done(forgotten(request.prefix, &spool, now: now)) }
            publish(spool, work, now: now)
            if mail.isClosed { return }
            _ = wakeup.wait(timeout: .now() + .seconds(1))
        }
    }

    private func forgotten(_ prefix: IPPrefix, _ spool: inout FleetSpool?, now: UInt64) -> Int {
        (try? spool?.forget(prefix, now: now)) ?? 0
    }

    /// Returns true where a batch has become whole.
    private func turn(
        _ mail: Mail, _ spool: inout FleetSpool, _ work: inout Work, now: UInt64
    ) throws(FleetSpoolError) -> Bool {
        spool.note(dropped: .finding, mail.lostFindings)
        spool.note(dropped: .sighting, mail.lostPackets)
        let facts = facts()
        for finding in chosen(mail.findings, &spool, &work, now: now) {
            try spool.append(
                .finding(
                    FleetFinding(
                        finding, by: reporter, clientISN: mail.numbers[finding.id] ?? 0, clockOffset: facts.clockOffset)
                ),
                now: now)
        }
        for (packet, interface) in mail.packets {
            try spool.append(.sighting(sighting(packet, interface, facts)), now: now)
        }
        work.packets += mail.packets.count
        for host in mail.hosts {
            try spool.append(.host(FleetHost(host, by: reporter, time: now)), now: now)
        }
        guard now >= work.nextClose || mail.isClosed else {
            try spool.flush()
            return false
        }
        adjustShare(&work)
        work.nextClose = now + UInt64(options.interval) * 1_000_000_000
        let rows = try spool.closeAll(now: now)
        guard now >= work.nextAgent || mail.isClosed else { return rows > 0 }
        work.nextAgent = now + Self.agentInterval
        // After the batches that it speaks of.
        try spool.append(.agent(agent(mail, facts, spool.account, now: now)), now: now)
        try spool.close(.agent, now: now)
        return true
    }

    /// The findings that the rate allows: those that somebody has to look into go first.
    private func chosen(
        _ findings: [Finding], _ spool: inout FleetSpool, _ work: inout Work, now: UInt64
    ) -> [Finding] {
        let elapsed = Double(now - min(now, work.lastTurn)) / 1e9
        work.credit = min(work.credit + elapsed * Self.findingRate, Self.findingRate * Self.burst)
        work.lastTurn = now
        let allowed = Int(work.credit)
        guard findings.count > allowed else {
            work.credit -= Double(findings.count)
            return findings
        }
        work.credit -= Double(allowed)
        spool.note(dropped: .finding, findings.count - allowed)
        let problems = findings.filter(\.isProblem)
        return Array((problems + findings.filter { !$0.isProblem }).prefix(allowed))
    }

    /// Halves or doubles the share of sampled flows, where that is left to the agent: shares stay nested.
    private func adjustShare(_ work: inout Work) {
        defer { work.packets = 0 }
        guard options.sampledShare == nil else { return }
        let rate = Double(work.packets) / Double(options.interval)
        var share = sampledShare
        if rate > Self.packetRate {
            share = max(share / 2, 1 / 65_536)
        } else if rate < Self.packetRate / 4 {
            share = min(share * 2, 1)
        }
        self.share.store(share.bitPattern, ordering: .relaxed)
    }

    private func sighting(_ seen: SeenPacket, _ interface: String, _ facts: Facts) -> FleetSighting {
        let record = seen.record
        let isMadeHere = record.direction == .egressMadeHere
        var sighting = FleetSighting(
            reporter: reporter, time: seen.time, packet: seen.packet, reason: seen.reason, tuple: record.fiveTuple,
            isFromClient: seen.isFromClient, clientISN: seen.clientISN,
            packetKey: FindingIdentity.packetKey(FindingIdentity.packetHash(record, timestamps: seen.timestamps)),
            ttl: record.ttl, hop: isMadeHere ? 0 : record.hasTTL ? record.distance.hop : -1)
        sighting.interface = interface
        sighting.isLeaving = record.direction != .ingress
        sighting.clockOffset = facts.clockOffset
        return sighting
    }

    private func agent(_ mail: Mail, _ facts: Facts, _ account: FleetSpool.Account, now: UInt64) -> FleetAgent {
        var agent = FleetAgent(reporter: reporter, time: now, version: AgentVersion.number, boot: boot)
        // A reset is reported once its settle time is over.
        agent.complete = mail.isClosed ? mail.watermark : mail.watermark - min(mail.watermark, settleTime)
        agent.isLast = mail.isClosed
        agent.hashKey = hashKey
        agent.addresses = Array(facts.addresses.sorted().prefix(64))
        let total = facts.ledger.total
        (agent.seen, agent.recorded, agent.shed) = (total.seen, total.allRecorded, total.allShed)
        (agent.refused, agent.lost) = (total.allRefused, total.allLost)
        agent.lostResets = LossReason.allCases.reduce(0) { $0 &+ total.lost(.reset, $1) }
        agent.connections = facts.connections
        agent.keptShare = 1 - facts.ledger.shedding.ratio(.bulk)
        agent.sampledShare = sampledShare
        agent.spoolBytes = UInt64(account.bytes)
        agent.spoolSeconds = Self.age(account, now: now)
        agent.dropped = account.dropped
        (agent.clockOffset, agent.clockError) = (facts.clockOffset, facts.clockError)
        return agent
    }

    private static func age(_ account: FleetSpool.Account, now: UInt64) -> UInt64 {
        account.oldest.map { (now - min(now, $0)) / 1_000_000_000 } ?? 0
    }

    private func publish(_ spool: borrowing FleetSpool?, _ work: Work, now: UInt64) {
        let account: FleetSpool.Account? =
            switch spool {
            case .some(let spool): spool.account
            case nil: nil
            }
        state.withLock { state in
            if let account {
                state.account = account
                state.seconds = Self.age(account, now: now)
            }
            state.isBroken = work.isBroken
            state.sampledShare = sampledShare
        }
    }
}

extension FleetWriter.Status {
    var metrics: MetricsSnapshot.Fleet {
        var fleet = MetricsSnapshot.Fleet()
        fleet.isUp = !isBroken
        for kind in FleetRecord.Kind.allCases {
            fleet.rows.append((kind.table, account.rows[kind] ?? 0))
            fleet.dropped.append((kind.table, account.dropped[kind] ?? 0))
        }
        fleet.spoolBytes = UInt64(account.bytes)
        fleet.spoolSeconds = seconds
        fleet.sampledShare = sampledShare
        return fleet
    }
}
