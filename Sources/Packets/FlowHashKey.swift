// SPDX-License-Identifier: Apache-2.0
internal import CPacket

/// The secret of the flow hash by which the kernel part sheds and focuses (`bpf/flow_hash.h`).
///
/// Random for each machine, or shared by the agents of a fleet, which then keep the same flows. Who does not know it
/// cannot choose flows that are always kept or that share a bit of the focus.
package struct FlowHashKey: Sendable, Hashable {
    package var ends: UInt64
    package var flow: UInt64

    package init(ends: UInt64, flow: UInt64) {
        self.ends = ends
        self.flow = flow
    }

    /// A key from the system's random numbers.
    package static func random() -> FlowHashKey {
        FlowHashKey(ends: .random(in: .min ... .max), flow: .random(in: .min ... .max))
    }

    /// A key from 32 hexadecimal digits; `nil` for anything else.
    package init?(hexadecimal text: some StringProtocol) {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ Self.isDigit($0) }) else { return nil }
        guard let ends = UInt64(text.prefix(16), radix: 16), let flow = UInt64(text.suffix(16), radix: 16) else {
            return nil
        }
        self.init(ends: ends, flow: flow)
    }

    /// The key as 32 hexadecimal digits.
    package var hexadecimal: String {
        [ends, flow].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    /// A number by which agents can tell whether they share a key, and which does not reveal it: two rounds of the
    /// mixing step over both halves, from which 32 bits are kept.
    package var fingerprint: UInt32 {
        var state = rstwho_hash_mix(0x7273_7477_686f_6b65, ends)
        state = rstwho_hash_mix(state, flow)
        state = rstwho_hash_mix(state ^ ends, flow)
        return UInt32(truncatingIfNeeded: state >> 32)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

extension PacketRecord {
    /// The hash of this record's flow, the same for both directions.
    package func flowHash(_ key: FlowHashKey) -> UInt32 {
        var key = flow_hash_key(ends: key.ends, flow: key.flow)
        var record = self
        return rstwho_flow_hash(&key, &record)
    }
}
