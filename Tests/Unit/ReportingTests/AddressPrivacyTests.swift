// SPDX-License-Identifier: Apache-2.0
import Diagnosis
@testable import Explanation
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

    @Test func idsAreNoWayBack() {
        let id = "01JABCDEFGHJKMNPQRSTVWXYZ0"
        #expect(AddressPrivacy(.full).apply(to: id) == id)
        for kind in [AddressPrivacy.Kind.truncated, .pseudonyms] {
            let privacy = AddressPrivacy(kind)
            let hidden = privacy.apply(to: "{\"id\":\"\(id)\"} \(id),\(id)")
            let ids = hidden.split { !$0.isLetter && !$0.isNumber }.map(String.init).filter { $0.count == 26 }
            // The same for the same, with the packet's time.
            #expect(Set(ids).count == 1 && ids.count == 3)
            #expect(ids[0] != id && ids[0].hasPrefix("01JABCDEFG"))
            #expect(AddressPrivacy(kind).apply(to: id) != privacy.apply(to: id))
            #expect(privacy.apply(to: "x\(id) \(id.lowercased())") == "x\(id) \(id.lowercased())")
        }
    }

    @Test func namesThatStandForAddressesGo() throws {
        let address = try #require(IPAddress("100::1"))
        let names = [address: "db1.example.org"]
        #expect(AddressPrivacy(.full).apply(to: names) == names)
        let privacy = AddressPrivacy(.truncated)
        let hidden = try #require(privacy.apply(to: names)[address])
        #expect(hidden.hasPrefix("host-") && privacy.apply(to: names)[address] == hidden)
    }

    /// Everything that is printed of findings, hosts, devices and ways, at any width: a part that is left of a cut
    /// address would tell more than the network.
    @Test(arguments: [AddressPrivacy.Kind.truncated, .pseudonyms], [false, true])
    func noAddressLeaks(kind: AddressPrivacy.Kind, isIPv6: Bool) throws {
        func address(_ last: String) throws -> IPAddress {
            try #require(IPAddress(isIPv6 ? "2001:db8:77:1234:5678:9abc:def0:\(last)" : "203.0.113.\(last)"))
        }
        let (server, client, device) = (try address("101"), try address("102"), try address("103"))
        let mac = "02:0a:0b:77:88:99"
        let id = "01JABCDEFGHJKMNPQRSTVWXYZ0"
        var reset = try sampleFinding(id: id)
        reset.fiveTuple = FiveTuple(source: server, sourcePort: 22, destination: client, destinationPort: 50992)
        reset.time = 1_767_225_600_000_000_000
        reset.reset?.originAddress = device
        reset.reset?.hostHop = 4
        reset.reset?.nextHopMAC = mac
        reset.reset?.origin = "o-1"
        reset.evidence = [
            Evidence(
                name: "other_link", weight: 3, observed: mac, expected: "\(device)", text: "it came from \(device)"),
            Evidence(name: "reset_text", weight: 0, text: "the reset says: policy of \(device) for \(client):50992"),
        ]
        DeviceNames([.init(device: KnownDevice(name: "web1"), mac: nil, address: server, prefix: nil, hop: nil)])
            .name(&reset)
        var path = reset
        path.fiveTuple = reset.fiveTuple.reversed
        var details = Finding.Path(cause: .ackNotDelivered)
        details.redirect = Finding.Path.Redirect(from: device, gateway: client)
        path.details = .path(details)
        var icmp = path
        icmp.details = .icmpError(
            Finding.ICMPError(type: 3, code: 13, isIPv6: isIPv6, from: device, hop: 2, quoted: path.fiveTuple))
        var host = HostSummary(address: server, firstSeen: 1, lastSeen: 2)
        host.samples = [(.echo, 3)]
        var origin = Origin(
            id: "o-1", isThisMachine: false, hop: 2, initialTTL: 64, hasWindow: false, interface: "eth0",
            nextHopMAC: mac)
        (origin.address, origin.hosts) = (device, [server])
        var way = PathSummary(network: client, length: isIPv6 ? 64 : 24, server: server, firstSeen: 1, lastSeen: 2)
        way.there = PathSummary.Way(interface: "eth0", from: mac, to: mac, connections: 1)
        var knowledge = Knowledge()
        knowledge.findings = [reset, path, icmp]
        (knowledge.hosts, knowledge.origins, knowledge.paths) = ([host], [origin], [way])
        let questions = [
            Question.finding(id: id), .address(device),
            .flows([.init(.init(server, 22), .init(client, 50992))]), .address(try address("104")),
        ]

        let privacy = AddressPrivacy(kind)
        var texts: [String] = []
        for finding in knowledge.findings {
            var report = TextReport()
            texts += [report.text(finding), report.summary(packets: 1), JSONLines.line(finding)].map(privacy.apply)
        }
        texts += [
            ResetReport.csv([reset]), HostReport.csv([host]), OriginReport.csv([origin]), PathReport.csv([way]),
            HostReport.line(host), OriginReport.line(origin), PathReport.line(way),
        ].map(privacy.apply)
        for width in [nil] + Array(30...120) as [Int?] {
            let style = TableStyle(width: width, privacy: privacy)
            texts += [
                ResetReport.text([reset], style: style), HostReport.text([host], style: style),
                OriginReport.text([origin], style: style), PathReport.text([way], style: style),
            ]
            texts += questions.map { Explanation($0, knowledge).text(style: style) }
        }
        texts += questions.map { privacy.apply(to: Explanation($0, knowledge).line) }
        // What is left of an address that is cut is a part of it: the network itself may stay when it is truncated.
        let parts = isIPv6 ? ["2001:db8:77:1", "5678", "9abc", "def0"] : ["113.1"]
        for text in texts {
            for part in parts + ["77:88", "7:88:99", id] {
                #expect(!text.contains(part), "\(part) in \(text)")
            }
        }
        if kind == .truncated { #expect(texts[0].contains(isIPv6 ? "[2001:db8:77::]:22" : "203.0.113.0:22")) }
        // Negative: in full they are there.
        #expect(Explanation(questions[2], knowledge).text().contains(server.description))
    }

    @Test func aPrefixIsMentionedOrNot() throws {
        let prefix = try #require(IPPrefix("10.4.0.0/16"))
        #expect(AddressText.mentions(prefix, in: "a device reset 10.4.7.7:22.".utf8))
        #expect(!AddressText.mentions(prefix, in: "a device reset 10.5.7.7:22, 110.4.0.1".utf8))
    }
}
