// SPDX-License-Identifier: Apache-2.0
import Packets
import Testing

@testable import Reporting

@Suite struct AddressPrivacyTests {
    private func found(_ text: String) -> [String] {
        var all: [String] = []
        _ = AddressText.replacing(in: text) { found in
            switch found {
            case .address(let address): all.append(address.description)
            case .mac(let mac): all.append("mac \(mac)")
            }
            return nil
        }
        return all
    }

    @Test(arguments: [
        ("", []), ("no address here", []), ("10.4.0.2", ["10.4.0.2"]), ("not 10.4.0.2, which", ["10.4.0.2"]),
        ("sent by 10.4.0.2.", ["10.4.0.2"]), ("10.4.0.2:22 > 10.1.0.1.50992:", ["10.4.0.2", "10.1.0.1"]),
        (#"{"src":"10.4.0.2","src_port":22}"#, ["10.4.0.2"]), ("[fd00:4::2]:22", ["fd00:4::2"]),
        ("fe80::1%eth0", ["fe80::1"]), ("::ffff:10.0.0.1", ["10.0.0.1"]), ("via:10.0.0.1", ["10.0.0.1"]),
        ("02:00:00:00:00:01", ["mac 02:00:00:00:00:01"]), ("at 12:11:27.305104597Z", []),
        ("2026-11-21T12:11:27Z", []), ("0.999", []), ("version 1.2.3", []), ("300.1.1.1", []), ("10.0.0.1abc", []),
        ("dead.beef:cafe", []), ("packet_key 9f3c", []), ("10.0.0.0/8", ["10.0.0.0"]),
    ])
    func addressesAreFound(text: String, expected: [String]) {
        #expect(found(text) == expected)
    }

    @Test func fullLeavesEverything() {
        #expect(AddressPrivacy(.full).apply(to: "10.4.0.2 fd00:4::2") == "10.4.0.2 fd00:4::2")
    }

    @Test func truncatedKeepsTheNetwork() {
        let privacy = AddressPrivacy(.truncated)
        #expect(
            privacy.apply(to: #"{"src":"10.4.0.2","dst":"2001:db8:1:2::3"}"#)
                == #"{"src":"10.4.0.0","dst":"2001:db8:1::"}"#)
        #expect(privacy.apply(to: "02:42:ac:11:00:02.") == "02:42:ac:00:00:00.")
    }

    @Test func pseudonymsAreStableAndKeepNetworksTogether() throws {
        let privacy = AddressPrivacy(.pseudonyms)
        let text = "10.4.0.2 10.4.0.2 10.4.0.3 10.4.9.1 192.168.0.1 fd00:4::2 02:00:00:00:00:01"
        let hidden = privacy.apply(to: text).split(separator: " ").map(String.init)
        #expect(hidden == privacy.apply(to: text).split(separator: " ").map(String.init))
        let addresses = try hidden.prefix(6).map { try #require(IPAddress($0)) }
        #expect(addresses[0] == addresses[1])
        #expect(Set(addresses).count == 5)
        #expect(addresses[0].low >> 8 == addresses[2].low >> 8)
        #expect(addresses[0].low >> 16 == addresses[3].low >> 16 && addresses[0].low >> 8 != addresses[3].low >> 8)
        #expect(addresses[4].isIPv4 && !addresses[5].isIPv4)
        #expect(hidden[6] != "02:00:00:00:00:01" && hidden[6].utf8.count == 17)
        // Another run, other names.
        #expect(AddressPrivacy(.pseudonyms).apply(to: text) != hidden.joined(separator: " "))
    }

    @Test func aPrefixIsMentionedOrNot() throws {
        let prefix = try #require(IPPrefix("10.4.0.0/16"))
        #expect(AddressText.mentions(prefix, in: "a device reset 10.4.7.7:22.".utf8))
        #expect(!AddressText.mentions(prefix, in: "a device reset 10.5.7.7:22, 110.4.0.1".utf8))
    }
}
