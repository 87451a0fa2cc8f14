// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Proofs of life that somebody may have forged")
struct ProofOfLifeTests {
    private static let inside: UInt8 = 0
    private static let outside: UInt8 = 1
    private static let secondUplink: UInt8 = 2

    /// The interfaces by which a request and its answer come to a router; `nil` where it is not seen there.
    private struct Ways {
        var comes: UInt8?
        var leaves: UInt8?
        var answered: UInt8
        var isMadeHere = false
    }

    /// A SYN and the SYN-ACK that knows its number, or an echo and its reply.
    private func exchange(
        _ story: inout RouterStory, _ ways: Ways, ttl: UInt8 = 61, port: UInt16 = 50992, isEcho: Bool = false
    ) {
        func request(_ ttl: UInt8) -> FrameBuilder {
            let ip = Ethernet().ipv4(story.client, story.server, ttl: ttl)
            return isEcho
                ? ip.echo(reply: false, identifier: port) : ip.tcp(port, story.serverPort, seq: 1000, flags: .syn)
        }
        if let comes = ways.comes { story.add(request(64), .arrives, slot: comes) }
        if let leaves = ways.leaves { story.add(request(63), ways.isMadeHere ? .madeHere : .leaves, slot: leaves) }
        let ip = Ethernet().ipv4(story.server, story.client, ttl: ttl)
        story.add(
            isEcho
                ? ip.echo(reply: true, identifier: port)
                : ip.tcp(story.serverPort, port, seq: 9000, ack: 1001, flags: [.syn, .ack]), .arrives,
            slot: ways.answered)
    }

    /// The server's packets that count as proofs of life, and whether one of them is confirmed.
    private func proofs(_ story: borrowing RouterStory, of address: IPAddress? = nil) -> (count: Int, isConfirmed: Bool)
    {
        let address = address ?? story.server
        let host = story.engine.hostSnapshot.entries.first { $0.key.address == address }
        return (host?.provenSamples ?? 0, host?.isConfirmed ?? false)
    }

    @Test("An answer by the way on which its request left proves life", arguments: [false, true])
    func confirmed(isEcho: Bool) {
        for ways in [
            Ways(comes: Self.inside, leaves: Self.outside, answered: Self.outside),
            // The other interface is not watched.
            Ways(comes: nil, leaves: Self.outside, answered: Self.outside),
            Ways(comes: nil, leaves: Self.outside, answered: Self.outside, isMadeHere: true),
        ] {
            var story = RouterStory()
            exchange(&story, ways, isEcho: isEcho)
            #expect(proofs(story) == (1, true))
        }
    }

    @Test("Replies that come by the other uplink prove life, but less", arguments: [false, true])
    func asymmetric(isMadeHere: Bool) {
        var story = RouterStory()
        exchange(
            &story,
            Ways(
                comes: isMadeHere ? nil : Self.inside, leaves: Self.outside, answered: Self.secondUplink,
                isMadeHere: isMadeHere))
        #expect(proofs(story) == (1, false))
    }

    @Test("Who sends both directions from one side proves nothing", arguments: [false, true])
    func bothDirections(isEcho: Bool) {
        for side in [Self.inside, Self.outside] {
            for leaves in [nil, Self.inside, Self.outside] {
                var story = RouterStory()
                for port in 0..<100 {
                    exchange(
                        &story, Ways(comes: side, leaves: leaves, answered: side), port: 40000 + UInt16(port),
                        isEcho: isEcho)
                }
                #expect(proofs(story) == (0, false))
            }
        }
    }

    @Test("Who sends a SYN by one uplink and its answer by the other proves nothing where the SYN is dropped")
    func twoUplinks() {
        var story = RouterStory()
        exchange(&story, Ways(comes: Self.outside, leaves: nil, answered: Self.secondUplink))
        #expect(proofs(story) == (0, false))
    }

    @Test("An echo reply that leaves is no request: what its receiver's forger sends next proves nothing")
    func reflected() {
        var story = RouterStory()
        let (inside, forged) = (story.client, story.server)
        story.add(Ethernet().ipv4(forged, inside, ttl: 61).echo(reply: false), .arrives, slot: Self.outside)
        story.add(Ethernet().ipv4(forged, inside, ttl: 60).echo(reply: false), .leaves, slot: Self.inside)
        story.add(Ethernet().ipv4(inside, forged, ttl: 64).echo(reply: true), .arrives, slot: Self.inside)
        story.add(Ethernet().ipv4(inside, forged, ttl: 63).echo(reply: true), .leaves, slot: Self.outside)
        story.add(Ethernet().ipv4(forged, inside, ttl: 61).echo(reply: true), .arrives, slot: Self.outside)
        #expect(proofs(story) == (0, false))
        // The host inside did answer.
        #expect(proofs(story, of: inside) == (1, true))
    }

    @Test("Across a bridge, whose ports are one group, real answers count and forged ones do not")
    func bridge() {
        var story = RouterStory(groups: [0, 0])
        exchange(&story, Ways(comes: Self.inside, leaves: Self.outside, answered: Self.inside))
        #expect(proofs(story) == (0, false))
        exchange(&story, Ways(comes: Self.inside, leaves: Self.outside, answered: Self.outside), port: 50993)
        #expect(proofs(story) == (1, true))
    }

    @Test("A tap cannot know: there an answer counts, but less than one that is confirmed")
    func tap() {
        var story = Story()
        story.open()
        let host = story.engineAfterwards { engine in
            engine.hostSnapshot.entries.first { $0.key.address == story.server }
        }
        #expect(host?.provenSamples == 1)
        #expect(host?.proof == .answered)
    }

    /// A reset in the server's name by a device next to the router, after `forged` handshakes with that device's TTL.
    private func verdict(real: Int, forged: Int, by side: UInt8) -> Finding? {
        var story = RouterStory()
        for port in 0..<real {
            exchange(
                &story, Ways(comes: Self.inside, leaves: Self.outside, answered: Self.outside),
                port: 10000 + UInt16(port))
        }
        for port in 0..<forged {
            exchange(&story, Ways(comes: side, leaves: nil, answered: side), ttl: 64, port: 20000 + UInt16(port))
        }
        exchange(&story, Ways(comes: Self.inside, leaves: Self.outside, answered: Self.outside), port: 9999)
        story.add(
            Ethernet().ipv4(story.server, story.client, ttl: 64)
                .tcp(story.serverPort, 9999, seq: 9001, flags: .rst), .arrives, slot: Self.outside)
        story.wait(3)
        return story.findings.last { $0.reset != nil }
    }

    @Test("Forged handshakes do not turn a device into the host", arguments: [1, 4, 20, 2000])
    func verdicts(forged: Int) {
        for side in [Self.inside, Self.outside] {
            for real in [0, 4, 22] {
                let honest = verdict(real: real, forged: 0, by: side)?.reset?.sender
                #expect(honest == .middlebox)
                #expect(verdict(real: real, forged: forged, by: side)?.reset?.sender == honest)
            }
        }
    }

    @Test("Forged handshakes do not accuse a device of the host's own reset", arguments: [1, 4, 2000])
    func accusations(forged: Int) {
        var story = RouterStory()
        for port in 0..<forged {
            exchange(
                &story, Ways(comes: Self.outside, leaves: nil, answered: Self.outside), ttl: 40,
                port: 20000 + UInt16(port))
        }
        // It refuses, as itself.
        story.add(
            Ethernet().ipv4(story.client, story.server).tcp(9999, story.serverPort, seq: 1000, flags: .syn), .arrives,
            slot: Self.inside)
        story.add(
            Ethernet().ipv4(story.server, story.client, ttl: 61)
                .tcp(story.serverPort, 9999, ack: 1001, flags: [.rst, .ack]), .arrives, slot: Self.outside)
        story.wait(3)
        let accused = story.findings.filter { $0.reset?.sender == .middlebox }
        #expect(accused.isEmpty)
    }

    @Test("Sources with a weaker proof push none with a better one out of a full table")
    func eviction() {
        var table = HostTable(capacity: 1024, seed: 7)
        func learn(_ address: UInt32, _ proof: ProofOfLife) -> Bool {
            table.learn(
                HostKey(address: IPAddress(v4: address), domain: 0), ttl: 61,
                class: proof == .none ? .unproven : .tcp, proof, isLocal: false, now: 1_000_000_000) != nil
        }
        func known(_ first: UInt32) -> Int {
            (0..<128).count { table.find(HostKey(address: IPAddress(v4: first + $0 << 16), domain: 0)) != nil }
        }
        for index in UInt32(0)..<128 { #expect(learn(0x0a00_0000 + index << 16, .confirmed)) }
        let confirmed = known(0x0a00_0000)
        for index in UInt32(0)..<131_072 { _ = learn(0x2000_0000 &+ index &* 65_537, .answered) }
        #expect(known(0x0a00_0000) == confirmed)
        for index in UInt32(0)..<131_072 { _ = learn(0x4000_0000 &+ index &* 65_537, .none) }
        #expect(known(0x0a00_0000) == confirmed)
        #expect(table.count == 1024)
    }

    @Test("One network's sources take a quarter of the table at most")
    func networks() {
        for isIPv6 in [false, true] {
            var table = HostTable(capacity: 1024, seed: 7)
            for index in UInt64(0)..<60_000 {
                let address =
                    isIPv6
                    ? IPAddress(high: 0x2001_0db8_0001_0000 + index >> 8, low: index)
                    : IPAddress(v4: 0x0a01_0000 + UInt32(index))
                _ = table.learn(
                    HostKey(address: address, domain: 0), ttl: 61, class: .tcp, .confirmed, isLocal: false,
                    now: 1_000_000_000)
            }
            #expect(table.count == 256)
        }
    }
}
