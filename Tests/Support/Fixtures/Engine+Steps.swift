// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets

/// Single steps of the engine's two verbs, for stories told packet by packet.
extension Engine {
    package mutating func begin(file: String?, isLive: Bool) { handle(.source(file: file, isLive: isLive)) }

    package mutating func observe(
        _ packets: UnsafeBufferPointer<ObservedPacket>, hashes: UnsafePointer<PacketHashes>? = nil,
        upTo watermark: UInt64
    ) {
        handle(.batch(Batch(packets, hashes: hashes, upTo: watermark)))
    }

    package mutating func observe(trace: ResetTrace) { tick { $0.traces = [trace] } }

    package mutating func noteTraceLoss(upTo time: UInt64) { tick(upTo: time) { $0.hasAllTraces = false } }

    package mutating func observe(drop: DropTrace) { tick { $0.drops = [drop] } }

    package mutating func noteShedding(_ change: SheddingChange) { tick { $0.shedding = change } }

    package mutating func noteRecordLoss() { tick { $0.hasLostRecords = true } }

    package mutating func finish() { handle(.end) }

    package mutating func takeFindings() -> [Finding] {
        var findings: [Finding] = []
        while let output = poll() {
            if case .finding(let finding) = output { findings.append(finding) }
        }
        return findings
    }

    /// Returns how many hosts were taken back.
    @discardableResult
    package mutating func restore(hosts: [HostRecord], now: UInt64) -> Int {
        let before = statistics.hosts
        handle(.restore(hosts: hosts, origins: [], now: now))
        return statistics.hosts - before
    }

    package mutating func restore(origins: [OriginRecord]) {
        handle(.restore(hosts: [], origins: origins, now: 0))
    }

    /// Returns how many hosts were forgotten.
    package mutating func forget(_ prefix: IPPrefix) -> Int {
        let before = statistics.hosts
        handle(.forget(prefix))
        return before - statistics.hosts
    }

    /// A batch without packets.
    private mutating func tick(upTo time: UInt64 = 0, _ change: (inout Batch) -> Void) {
        var batch = Batch(UnsafeBufferPointer(start: nil, count: 0), upTo: time)
        change(&batch)
        handle(.batch(batch))
    }
}
