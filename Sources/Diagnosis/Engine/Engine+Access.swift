// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

extension Engine {
    var options: Options { context.options }
    var hosts: HostTable { _read { yield context.hosts } }
    var flows: FlowTable { _read { yield context.flows } }
    var shedding: SheddingLog { context.shedding }
    var now: UInt64 { context.now }
    var isLive: Bool { context.isLive }
    var file: String? { context.file }
    var clockStep: ClockStep { context.clockStep }
    package var localAddresses: Set<IPAddress> {
        get { context.localAddresses }
        set { context.localAddresses = newValue }
    }
    var nextDue: UInt64 {
        get { context.nextDue }
        set { context.nextDue = newValue }
    }
    var redirects: Redirects { icmp.redirects }
    func vantage(_ record: PacketRecord) -> Finding.Vantage? { context.vantage(record) }
    func interfaceName(_ slot: UInt8) -> String? { context.interfaceName(slot) }

    /// Takes what this machine's kernel said of a reset that it sent: before the packets that are as old or newer.
    package mutating func observe(trace: ResetTrace) { resets.traces.add(trace) }

    /// Says that the kernel could not hand over some of its events up to `time` (ns since 1970).
    package mutating func noteTraceLoss(upTo time: UInt64) { resets.traces.noteLoss(upTo: time) }

    /// The packets behind a finding, as far as they are still kept, oldest first: the reset and what drew it, the connection's
    /// handshake, what came after, ICMP errors about it, and samples of the host's distance.
    ///
    /// - Returns: nothing where the engine keeps none (`Options.evidenceBytes`), or not any more.
    package func evidencePackets(of finding: Finding) -> [EvidencePacket] { samples.evidence(of: finding) }

    /// The names of the interfaces that records name by slot.
    package var interfaceNames: [String] { options.interfaceNames }

    /// Gives a finding: at once while packets still come, else after the resets that were seen before.
    mutating func give(_ finding: Finding) {
        if isLive { context.findings.emit(finding) } else { context.findings.emitInOrder(finding) }
    }

    func shedParts(_ suspect: PathSuspect, _ flow: FlowEntry) -> ShedParts {
        guard !context.shedding.isEmpty else { return [] }
        return context.shedParts(suspect.record, time: suspect.time, sides: [flow.low, flow.high])
    }
}
