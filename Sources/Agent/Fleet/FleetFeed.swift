// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Capture
internal import Diagnosis
internal import Fleet
internal import Packets

/// The capture thread's end of the fleet's records: picks packets, and hands over hosts now and then.
struct FleetFeed: ~Copyable {
    /// The time between two reports of all hosts, and before the first, in ns of packet time.
    private static let hostInterval: UInt64 = 1_800_000_000_000
    private static let firstHosts: UInt64 = 60_000_000_000

    /// Findings of a batch whose handshakes are reported: in a flood the sample has to do.
    private static let findingLimit = 16

    private let writer: FleetWriter
    private var sampler: SightingSampler
    private var nextHosts: UInt64?

    init(_ writer: FleetWriter, _ options: Engine.Options) {
        self.writer = writer
        sampler = SightingSampler(key: options.hashKey)
    }

    /// Takes a batch that the engine has had, and what the engine found.
    mutating func take(
        _ batch: PacketBatch, _ findings: [Finding], _ engine: borrowing Engine, _ correction: ClockCorrection
    ) {
        var picked = sampler.pick(batch.packets, share: writer.sampledShare)
        var numbers: [String: UInt32] = [:]
        for finding in findings.lazy.filter({ $0.isProblem && $0.reset != nil }).prefix(Self.findingLimit) {
            let handshake = Self.handshake(of: finding, engine)
            numbers[finding.id] = handshake.lazy.map(\.clientISN).first { $0 != 0 }
            picked += handshake
        }
        writer.offer(picked, numbers, interfaces: engine.interfaceNames, upTo: batch.watermark, correction)
        guard batch.watermark >= nextHosts ?? 0 else { return }
        defer { nextHosts = batch.watermark + (nextHosts == nil ? Self.firstHosts : Self.hostInterval) }
        if nextHosts != nil { offerHosts(engine, correction) }
    }

    /// The SYN and the SYN-ACK of a connection that was reset, where the engine still has them.
    private static func handshake(of finding: Finding, _ engine: borrowing Engine) -> [SeenPacket] {
        let tuple = finding.fiveTuple
        return engine.evidencePackets(of: finding).compactMap { packet in
            let record = packet.record
            guard record.transport == .tcp, record.tcpFlags.contains(.syn), packet.time != 0,
                record.fiveTuple == tuple || record.fiveTuple == tuple.reversed
            else { return nil }
            let isAnswer = record.tcpFlags.contains(.ack)
            return SeenPacket(
                record: record, time: packet.time, packet: isAnswer ? .synACK : .syn, reason: .reset,
                clientISN: isAnswer ? record.ack &- 1 : record.seq, isFromClient: !isAnswer,
                timestamps: packet.headers?.tcpTimestamps)
        }
    }

    /// Hands over the hosts as they are known at the end.
    func end(_ engine: borrowing Engine, _ correction: ClockCorrection) { offerHosts(engine, correction) }

    private func offerHosts(_ engine: borrowing Engine, _ correction: ClockCorrection) {
        writer.offer(
            hosts: engine.hostSnapshot.summaries().map { summary in
                var host = summary
                correction.apply(to: &host)
                return host
            })
    }
}
