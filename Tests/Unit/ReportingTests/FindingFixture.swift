// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

/// A reset that a device at hop 2 sent in the name of a host at hop 4.
func sampleFinding(
    id: String = "01JABCDEFGHJKMNPQRSTVWXYZ0", sender: Finding.Sender = .middlebox, cause: Finding.Cause = .rejected
) throws -> Finding {
    let server = try #require(IPAddress("10.4.0.2"))
    let client = try #require(IPAddress("10.1.0.1"))
    return Finding(
        id: id,
        fiveTuple: FiveTuple(source: server, sourcePort: 22, destination: client, destinationPort: 50992),
        details: .reset(
            Finding.Reset(
                flags: [.rst, .ack], ttl: 63, seq: 0, ack: 1_641_646_915, sender: sender, hop: 2, cause: cause,
                stage: .syn, packetKey: "9f3c")))
}
