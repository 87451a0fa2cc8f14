// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Reporting
import Testing

@Suite("What people read of packets that this machine dropped")
struct ForwardingSentencesTests {
    private func finding(
        _ packet: Finding.Forwarding.Packet, _ reason: Finding.Forwarding.Reason, isFromClient: Bool = true
    ) -> Finding {
        var path = Finding.Path(cause: .droppedHere)
        path.forwarding = Finding.Forwarding(
            packet: packet, isFromClient: isFromClient, packets: 3, reason: reason, interface: "eth0")
        return Finding(
            id: "01JABCDEFGHJKMNPQRSTVWXYZ0",
            fiveTuple: FiveTuple(
                source: IPAddress(v4: 0x0a01_0001), sourcePort: 50992, destination: IPAddress(v4: 0x0a04_0002),
                destinationPort: 22), details: .path(path))
    }

    @Test("It says what was dropped, whose, and why")
    func summaries() {
        #expect(
            finding(.ack, .replyNeverSeen).summary
                == "This machine dropped the client's ACK (10.1.0.1 to 10.4.0.2, tcp/22, 3 packets). Why: connection tracking "
                + "never saw the SYN-ACK, because the replies bypass this machine.")
        #expect(
            finding(.synAck, .openingNeverSeen, isFromClient: false).summary.contains(
                "Why: connection tracking does not know the connection"))
        #expect(finding(.syn, .tableFull(tracked: 256, maximum: 256)).summary.contains("is full (256 of 256 entries)"))
        #expect(finding(.syn, .reversePath).summary.contains("the route back to the source does not use eth0"))
        #expect(finding(.data, .kernel("NEIGH_FAILED")).summary.contains("Why: the kernel says NEIGH_FAILED"))
        #expect(finding(.data, .tooBig).summary.contains("too big for the next link"))
        #expect(finding(.data, .tooBig).advice.hasPrefix("Let ICMP errors through from here to 10.1.0.1"))
        #expect(finding(.fin, .unknown).summary.hasSuffix("Why: not visible from here."))
    }

    @Test("The advice fits the reason, and names what to change")
    func advice() {
        #expect(finding(.ack, .replyNeverSeen).advice.contains("both directions pass this machine"))
        #expect(finding(.ack, .replyNeverSeen).advice.contains("10.4.0.2 tcp/22"))
        #expect(finding(.syn, .tableFull(tracked: 1, maximum: 1)).advice.contains("nf_conntrack_max"))
        #expect(finding(.synAck, .reversePath, isFromClient: false).advice.hasPrefix("Route 10.4.0.2 back by eth0"))
        #expect(finding(.syn, .filter).advice.contains("nft"))
        #expect(!finding(.syn, .filter).advice.contains("Route"))
    }
}
