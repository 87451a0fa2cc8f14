// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Diagnosis

/// The capture thread's end of the fleet's records: picks packets, and hands over hosts now and then.
struct FleetFeed: ~Copyable {
    /// The time between two reports of all hosts, and before the first, in ns of packet time.
    private static let hostInterval: UInt64 = 1_800_000_000_000
    private static let firstHosts: UInt64 = 60_000_000_000

    private let writer: FleetWriter
    private var sampler: SightingSampler
    private var nextHosts: UInt64?

    init(_ writer: FleetWriter, _ options: Engine.Options) {
        self.writer = writer
        sampler = SightingSampler(key: options.hashKey)
    }

    /// Takes a batch that the engine has had.
    mutating func take(_ batch: PacketBatch, _ engine: borrowing Engine, _ correction: ClockCorrection) {
        let picked = sampler.pick(batch.packets, share: writer.sampledShare)
        writer.offer(picked, interfaces: engine.interfaceNames, upTo: batch.watermark, correction)
        guard batch.watermark >= nextHosts ?? 0 else { return }
        defer { nextHosts = batch.watermark + (nextHosts == nil ? Self.firstHosts : Self.hostInterval) }
        if nextHosts != nil { offerHosts(engine, correction) }
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
