// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The form of addresses in output for others.
package struct AddressPrivacy: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case full
        /// The network only: IPv4 without the last octet, IPv6 without the last 80 bits, MAC addresses without the last
        /// three octets.
        case truncated
        /// Other addresses in their place, the same for the same within one run.
        ///
        /// Addresses that begin with the same bits still do, so networks can be told apart (Xu, Fan, Ammar, Moon:
        /// Prefix-preserving IP address anonymization, 2002); whoever knows some of them learns the beginnings of their
        /// neighbours.
        case pseudonyms
    }

    package let kind: Kind
    private let key: (UInt64, UInt64)

    /// With a key of its own: pseudonyms of one run say nothing of another's.
    package init(_ kind: Kind) {
        self.kind = kind
        key = (.random(in: .min ... .max), .random(in: .min ... .max))
    }

    /// `text` with the addresses as they are to leave, and with other ids: those of findings are hashes of addresses
    /// that can be tried out.
    package func apply(to text: String) -> String {
        guard kind != .full else { return text }
        let hidden = AddressText.replacing(in: text) { found in
            switch found {
            case .address(let address): replaced(address).description
            case .mac(let text): replaced(mac: text)
            }
        }
        return FindingIDs.replacing(in: hidden) { replaced(id: $0) }
    }

    /// Names that stand for addresses, as they are to leave: others in their place, the same for the same within one
    /// run.
    package func apply(to names: [IPAddress: String]) -> [IPAddress: String] {
        guard kind != .full else { return names }
        return names.mapValues { name in
            var hasher = hasher()
            hasher.combine(name)
            return "host-" + String(UInt64(bitPattern: Int64(hasher.finalize())) >> 32, radix: 16)
        }
    }

    /// The packet's time stays.
    private func replaced(id: String) -> String {
        var hasher = hasher()
        hasher.combine(id)
        var value = UInt64(bitPattern: Int64(hasher.finalize()))
        var text = Array(id.utf8.prefix(10))
        while text.count < FindingIDs.length {
            text.append(FindingIDs.alphabet[Int(value & 31)])
            // 16 letters take more bits than there are: some are used twice.
            value = value >> 5 | value << 59
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func replaced(_ address: IPAddress) -> IPAddress {
        switch kind {
        case .full: address
        case .truncated:
            address.isIPv4
                ? IPAddress(high: address.high, low: address.low & ~0xff)
                : IPAddress(high: address.high & ~0xffff, low: 0)
        case .pseudonyms: pseudonym(address)
        }
    }

    /// Each bit is flipped or not by a keyed hash of the bits before it.
    private func pseudonym(_ address: IPAddress) -> IPAddress {
        var result = address
        for bit in (address.isIPv4 ? 96 : 0)..<128 {
            let high: UInt64 = bit >= 64 ? address.high : bit == 0 ? 0 : address.high & ~(.max >> UInt64(bit))
            let low: UInt64 = bit <= 64 ? 0 : address.low & ~(.max >> UInt64(bit - 64))
            guard hash(high, low, UInt64(bit)) & 1 == 1 else { continue }
            if bit < 64 { result.high ^= 1 << UInt64(63 - bit) } else { result.low ^= 1 << UInt64(127 - bit) }
        }
        return result
    }

    private func replaced(mac text: String) -> String {
        let octets = text.split(separator: ":").compactMap { UInt8($0, radix: 16) }
        guard octets.count == 6 else { return text }
        var value = hash(octets.reduce(0) { $0 << 8 | UInt64($1) }, 0, 128)
        let hidden: [UInt8] =
            kind == .truncated
            ? octets.prefix(3) + [0, 0, 0]
            : (0..<6).map { index in
                defer { value >>= 8 }
                // Locally administered, as the project's own are.
                return index == 0 ? UInt8(truncatingIfNeeded: value) & 0xfc | 2 : UInt8(truncatingIfNeeded: value)
            }
        return hidden.map { $0 < 16 ? "0\(String($0, radix: 16))" : String($0, radix: 16) }.joined(separator: ":")
    }

    private func hasher() -> Hasher {
        var hasher = Hasher()
        hasher.combine(key.0)
        hasher.combine(key.1)
        return hasher
    }

    /// Swift's own keyed hash (SipHash-1-3, seeded anew by each process), with this run's key in front.
    private func hash(_ words: UInt64...) -> UInt64 {
        var hasher = hasher()
        for word in words { hasher.combine(word) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
