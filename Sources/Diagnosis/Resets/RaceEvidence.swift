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
                    .dataAfterReset, against: true, observed: "new data after \(milliseconds(data.delay)) ms",
                    expected: "silence", "after the reset the host sent new data in the same connection"))
        }
        if let answer = after.synAck {
            evidence.append(
                Evidence(
                    .synAckAfterReset, against: true, observed: "SYN-ACK after \(milliseconds(answer.delay)) ms",
                    expected: "silence", "after the reset the host accepted the connection"))
        }
        if after.bothTalk, flow.stage != .afterClose, !isOfKernelBesideStack(reset.record, flow) {
            evidence.append(
                Evidence(.bothTalkOn, against: true, "after the reset both sides went on talking"))
        }
        if after.hasTwin {
            evidence.append(
                Evidence(
                    .twinResets, against: true,
                    "a second reset has a sequence number above all that the host had sent (RST_SEQ_CHANGE)"))
        }
        if after.isMirrored {
            evidence.append(
                Evidence(.bothSidesReset, against: true, "both sides got a reset of the same making within 5 ms"))
        }
        if flow.acksUnsent(reset.record) {
            evidence.append(
                Evidence(
                    .acksUnsent, against: true, observed: "ACK \(reset.record.ack)",
                    expected: "\(flow.other.nextSeq) at most",
                    "it acknowledges what the other side had not sent"))
        }
        if flow.source.packets > 0, reset.passage == .arrived, reset.record.link_hash != flow.source.linkHash,
            reset.copy?.link != flow.source.linkHash, after.usesOldLink
        {
            evidence.append(
                Evidence(
                    .otherLink, against: true,
                    "it came from another next hop than this connection's packets, which still come the old way"))
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

    private static func milliseconds(_ units: UInt32) -> Int { Int(Double(units) * 0.001024) }
}
