// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets

/// A finding with a number of its own in id, time and port.
func finding(_ number: Int, sender: Finding.Sender = .middlebox, revision: Int = 0) -> Finding {
    let tuple = FiveTuple(
        source: IPAddress(v4: 0x0a04_0002), sourcePort: 22, destination: IPAddress(v4: 0x0a01_0001),
        destinationPort: UInt16(truncatingIfNeeded: number))
    var finding = Finding(
        id: findingID(number), fiveTuple: tuple,
        details: .reset(
            Finding.Reset(
                flags: [.rst, .ack], ttl: 63, seq: 0, ack: 1, sender: sender, hop: 2,
                cause: sender == .undetermined ? .unknown : .rejected, stage: .syn, packetKey: "9f3c")))
    finding.revision = revision
    finding.time = 1_700_000_000_000_000_000 + UInt64(number) * 1_000_000_000
    finding.vantage = Finding.Vantage(interface: "eth0")
    return finding
}

func findingID(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: 26 - digits.count) + digits
}
