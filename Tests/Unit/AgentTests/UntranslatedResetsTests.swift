// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Agent

@Suite("Resets of connections that this machine translates, without their translation")
struct UntranslatedResetsTests {
    private static let client = IPAddress(v4: 0x0a01_0001)
    private static let server = IPAddress(v4: 0x0a04_0002)
    private static let router = IPAddress(v4: 0x0a04_00fe)
    private static let published = IPAddress(v4: 0xc000_0201)

    private func finding(
        _ source: IPAddress, _ sourcePort: UInt16, _ destination: IPAddress, _ destinationPort: UInt16,
        sender: Finding.Sender = .hostKernel, direction: String = "out", isMadeHere: Bool = true, time: UInt64 = 1
    ) -> Finding {
        let tuple = FiveTuple(
            source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort)
        var finding = Finding(
            id: "1", fiveTuple: tuple,
            details: .reset(
                Finding.Reset(
                    flags: .rst, ttl: 64, seq: 0, ack: 1, sender: sender, hop: 0, cause: .unknown, stage: .none,
                    packetKey: "")),
            evidence: isMadeHere ? [Evidence(name: EvidenceName.madeHere.rawValue, weight: 7, text: "")] : [])
        finding.vantage = Finding.Vantage(direction: direction)
        finding.time = time
        return finding
    }

    /// Marks one finding; `original` is what connection tracking says of `reply`.
    private func cause(
        _ finding: Finding, reply: FiveTuple, original: FiveTuple, local: Set<IPAddress> = [router]
    ) -> Finding.Cause? {
        var untranslated = UntranslatedResets(localAddresses: local) { $0 == reply ? original : nil }
        var findings = [finding]
        untranslated.mark(&findings)
        return findings[0].reset?.cause
    }

    /// The client's connection to the server, which the router shows as its own.
    private let masqueraded = (
        reply: FiveTuple(source: server, sourcePort: 22, destination: router, destinationPort: 40003),
        original: FiveTuple(source: client, sourcePort: 40003, destination: server, destinationPort: 22)
    )

    @Test("The router's own kernel answers what belongs to a client behind it")
    func masquerade() {
        let own = finding(Self.router, 40003, Self.server, 22)
        #expect(cause(own, reply: masqueraded.reply, original: masqueraded.original) == .untranslated)
        // The server's reset to the router is translated afterwards.
        let server = finding(Self.server, 22, Self.router, 40003, direction: "in", isMadeHere: false)
        #expect(cause(server, reply: masqueraded.reply, original: masqueraded.original) == .unknown)
        // Another port, an application's reset, and a packet filter's.
        let other = finding(Self.router, 40004, Self.server, 22)
        #expect(cause(other, reply: masqueraded.reply, original: masqueraded.original) == .unknown)
        for sender in [Finding.Sender.hostApplication, .hostFirewall, .thisMachine, .middlebox] {
            let reset = finding(Self.router, 40003, Self.server, 22, sender: sender)
            #expect(cause(reset, reply: masqueraded.reply, original: masqueraded.original) == .unknown)
        }
    }

    @Test("One side's packets look like a connect without an answer, which it is not")
    func stage() {
        var untranslated = UntranslatedResets(localAddresses: []) { [masqueraded] in
            $0 == masqueraded.reply ? masqueraded.original : nil
        }
        var findings = [finding(Self.router, 40003, Self.server, 22), finding(Self.router, 40004, Self.server, 22)]
        for index in findings.indices { findings[index].reset?.stage = .syn }
        untranslated.mark(&findings)
        #expect(findings.map(\.reset?.stage) == [.data, .syn])
    }

    @Test("A connection of the router's own, with another port or another server behind the one that it called")
    func ownConnection() {
        let reset = finding(Self.router, 40003, Self.server, 22)
        let moved = FiveTuple(source: Self.router, sourcePort: 5, destination: Self.server, destinationPort: 22)
        #expect(cause(reset, reply: masqueraded.reply, original: moved) == .unknown)
        let plain = masqueraded.reply.reversed
        #expect(cause(reset, reply: masqueraded.reply, original: plain) == .unknown)
    }

    @Test("A client that called a published address resets the server behind it, which it does not know")
    func published() {
        let reply = FiveTuple(source: Self.server, sourcePort: 8080, destination: Self.client, destinationPort: 40003)
        let original = FiveTuple(
            source: Self.client, sourcePort: 40003, destination: Self.published, destinationPort: 80)
        let arrived = finding(
            Self.client, 40003, Self.server, 8080, sender: .host, direction: "in", isMadeHere: false)
        #expect(cause(arrived, reply: reply, original: original) == .untranslated)
        // On its way out it has been translated rightly.
        let left = finding(Self.client, 40003, Self.server, 8080, sender: .host, isMadeHere: false)
        #expect(cause(left, reply: reply, original: original) == .unknown)
        // Without translation the reset is like any other.
        #expect(cause(arrived, reply: reply, original: reply.reversed) == .unknown)
    }

    @Test("Questions to the kernel are bounded")
    func budget() {
        let calls = Calls()
        var untranslated = UntranslatedResets(localAddresses: []) { _ in
            _ = calls.next()
            return nil
        }
        var findings = (0..<200 as Range<UInt16>).map { finding(Self.router, $0, Self.server, 22) }
        untranslated.mark(&findings)
        #expect(calls.next() == 65)
        var later = [finding(Self.router, 1, Self.server, 22, time: 200_000_000)]
        untranslated.mark(&later)
        #expect(calls.next() == 67)
    }
}
