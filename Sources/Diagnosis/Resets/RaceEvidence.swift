// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The events around a reset that contradict a reset by the host.
enum RaceEvidence {
    static func of(_ reset: ResetCase, _ flow: FlowContext) -> [Evidence] {
        let after = reset.aftermath
        var evidence: [Evidence] = []
        if let data = after.newData, !flow.source.sentFIN, !isOfKernelBesideStack(reset.record, flow),
            flow.source.ttls.first == data.ttl
        {
            evidence.append(
                Evidence(
                    .dataAfterReset, against: true, observed: .packet(.data, after: nanoseconds(data.delay)),
                    expected: .sign(.silence)))
        }
        if let answer = after.synAck {
            evidence.append(
                Evidence(
                    .synAckAfterReset, against: true, observed: .packet(.synACK, after: nanoseconds(answer.delay)),
                    expected: .sign(.silence)))
        }
        if after.bothTalk, flow.stage != .afterClose, !isOfKernelBesideStack(reset.record, flow) {
            evidence.append(Evidence(.bothTalkOn, against: true))
        }
        if after.hasTwin {
            evidence.append(Evidence(.twinResets, against: true))
        }
        if after.isMirrored {
            evidence.append(Evidence(.bothSidesReset, against: true))
        }
        if flow.acksUnsent(reset.record) {
            evidence.append(
                Evidence(
                    .acksUnsent, against: true, observed: .acknowledgement(reset.record.ack),
                    expected: .atMost(UInt64(flow.other.nextSeq))))
        }
        if flow.source.packets > 0, reset.passage == .arrived, reset.record.link_hash != flow.source.linkHash,
            reset.copy?.link != flow.source.linkHash, after.usesOldLink
        {
            evidence.append(Evidence(.otherLink, against: true))
        }
        return evidence
    }

    /// A scanner with a TCP of its own opens connections that its kernel knows nothing of: the kernel resets what
    /// answers, and the scanner goes on.
    ///
    /// It shows before the client has acknowledged the SYN-ACK.
    private static func isOfKernelBesideStack(_ reset: PacketRecord, _ flow: FlowContext) -> Bool {
        flow.source.sentSYN && !flow.source.sentSYNACK && !flow.source.hasAck && flow.other.sentSYNACK
            && reset.tcpFlags.isDisjoint(with: .ack) && reset.window == 0 && reset.seq == flow.other.ack
    }

    /// - `units`: Of 1024 ns.
    private static func nanoseconds(_ units: UInt32) -> UInt64 { UInt64(units) * 1024 }
}
