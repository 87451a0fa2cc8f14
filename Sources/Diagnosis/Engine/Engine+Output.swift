// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// The way out: one verb for everything that the engine has to say, and copies of its state.
extension Engine {
    /// Everything that the engine can say.
    package enum Output {
        /// A finding, or a revision of one, in the order in which they are to be reported.
        case finding(Finding)
        /// A flow is to be seen in full, or no longer; answered by `Input.focus`.
        case focus(FocusChange)
        /// This machine's own knowledge of a flow is wanted; answered by `Input.facts`.
        case lookUp(FiveTuple)
    }

    /// The next output; `nil` where there is nothing until the next input.
    package mutating func poll() -> Output? {
        if let change = forwarding.takeFocus() { return .focus(change) }
        if let flow = forwarding.takeQuestion() { return .lookUp(flow) }
        guard var finding = context.findings.take() else { return nil }
        if !context.options.devices.entries.isEmpty { context.options.devices.name(&finding) }
        return .finding(finding)
    }

    // MARK: State

    package var statistics: Statistics {
        var result = counts
        result.hosts = context.hosts.count
        result.flows = context.flows.count
        result.origins = witnesses.origins.origins.count
        let hasNames = !context.options.devices.entries.isEmpty
        result.expectedOrigins = hasNames ? origins.count { $0.device?.isExpected == true } : 0
        result.hostEvictions = context.hosts.evictions
        result.flowEvictions = context.flows.evictions
        result.undeterminedForgotten = resets.forgotten
        return result
    }

    /// Devices that sent resets for others, in the order in which they were found.
    package var origins: [Origin] { context.options.devices.named(witnesses.origins.origins) }

    /// The hosts as they are now: a copy, for working on it elsewhere.
    package var hostSnapshot: HostSnapshot {
        var entries: [HostEntry] = []
        entries.reserveCapacity(context.hosts.count)
        context.hosts.forEach { entries.append($0) }
        return HostSnapshot(entries: entries, devices: context.options.devices)
    }

    /// The paths as they are now: a copy, for working on it elsewhere.
    package var pathSnapshot: PathSnapshot {
        PathSnapshot(
            entries: stalls.pathEntries, names: context.options.interfaceNames, devices: context.options.devices)
    }

    /// A copy of what is to outlive the engine, for working on it elsewhere.
    package var memory: PersistedState {
        PersistedState(
            hosts: hostSnapshot, interfaceNames: context.options.interfaceNames, origins: witnesses.origins.records)
    }

    /// The packets behind a finding, as far as they are still kept, oldest first: the reset and what drew it, the
    /// connection's handshake, what came after, ICMP errors about it, and samples of the host's distance.
    ///
    /// - Returns: nothing where the engine keeps none (`Options.evidenceBytes`), or not any more.
    package func evidencePackets(of finding: Finding) -> [EvidencePacket] { evidence.evidence(of: finding) }

    /// The names of the interfaces that records name by slot.
    package var interfaceNames: [String] { context.options.interfaceNames }

    /// The first step of `handle` for packets: for a caller that has them earlier, on any thread.
    package var hashing: PacketHashing {
        let hasher = PacketHasher(seed: context.options.seed)
        return { packets, hashes in hasher.hash(packets, into: hashes) }
    }

    /// The memory of one flow and of one host, bytes: the tables are allocated at the start and never grow.
    package static var entryBytes: (flow: Int, host: Int) { (FlowEntry.tableStride, HostEntry.tableStride) }
}
