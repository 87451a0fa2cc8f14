// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// Flows of which packets were shed: what is not seen of them says nothing. Asked only where a verdict is made.
extension Engine {
    /// Says that the capture sheds other flows than before.
    package mutating func noteShedding(_ change: SheddingChange) {
        shedding.note(change)
    }

    /// What was shed of a record's flow since it was opened; of a flow whose SYN was not seen, in the last hour.
    ///
    /// - Parameters:
    ///   - time: the record's, ns since 1970.
    ///   - sides: what was seen of both directions; empty for a flow that is not known.
    func shedParts(_ record: PacketRecord, time: UInt64, sides: [FlowSide]) -> ShedParts {
        guard !shedding.isEmpty else { return [] }
        var record = record
        var since: UInt64 = 0
        // A record's 32 bits of time go round once in 73 minutes, more than the log looks back.
        if let client = sides.first(where: { $0.sentSYN && !$0.sentSYNACK }) {
            let age = UInt64(record.time &- client.openTime) << 10
            since = time > age ? time - age : 0
        }
        return shedding.parts(hash: rstwho_flow_hash(&record), since: since, until: max(time, now))
    }

    func shedParts(_ suspect: PathSuspect, _ flow: FlowEntry) -> ShedParts {
        guard !shedding.isEmpty else { return [] }
        return shedParts(suspect.record, time: suspect.time, sides: [flow.low, flow.high])
    }
}
