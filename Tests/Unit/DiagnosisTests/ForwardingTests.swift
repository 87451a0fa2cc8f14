// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("What a router did not send on")
struct ForwardingTests {
    private static let there = FiveTuple(
        source: .client, sourcePort: 50992, destination: .server, destinationPort: 22)

    private static func tracked(_ state: String, isReplied: Bool) -> ForwardingFacts.Tracking {
        .tracked(
            TrackedConnection(original: there, reply: there.reversed, state: state, isReplied: isReplied))
    }

    @Test("Data arrives again and again and does not leave, the SYN did: dropped here, and the reply takes another way")
    func oneWay() throws {
        var router = RouterStory()
        router.tracking = Self.tracked("SYN_SENT", isReplied: false)
        router.openOneWay()
        router.repeatData { $0.see($1, .arrives) }
        let finding = try #require(router.findings.first)
        #expect(router.findings.count == 1)
        #expect(finding.path?.cause == .droppedHere)
        #expect(finding.fiveTuple == Self.there)
        let forwarding = try #require(finding.path?.forwarding)
        #expect(forwarding.isFromClient)
        #expect(forwarding.packet == .data)
        #expect(forwarding.reason == .replyNeverSeen)
        #expect(try #require(finding.confidence) > 0.99)
        #expect(finding.evidence.map(\.name.rawValue) == ["not_forwarded", "left_before", "conntrack_state"])
        #expect(finding.vantage?.interface == "in")
    }

    @Test("The same packets leave: nothing to say, and the focus ends")
    func forwarded() {
        var router = RouterStory()
        router.openOneWay()
        router.repeatData(9) { $0.pass($1) }
        router.wait(21)
        #expect(router.findings.isEmpty)
        #expect(router.changes == [.begin(Self.there), .end(Self.there)])
    }

    @Test("The kernel's word is proof; its reason explains")
    func kernelsWord() throws {
        for (reason, expected) in [
            ("NETFILTER_DROP", Finding.Forwarding.Reason.filter), ("IP_RPFILTER", .reversePath),
            ("IP_OUTNOROUTES", .kernel("IP_OUTNOROUTES")),
        ] {
            var router = RouterStory(tellsDrops: true)
            router.repeatData {
                $0.see($1, .arrives)
                $0.drop($1, reason: reason)
            }
            let finding = try #require(router.findings.first)
            #expect(finding.path?.forwarding?.reason == expected)
            #expect(finding.evidence.map(\.name.rawValue).contains("kernel_drop"))
            #expect(try #require(finding.confidence) >= 0.999)
        }
    }

    @Test("The kernel tells of drops and told of none: no accusation")
    func noWord() {
        var router = RouterStory(tellsDrops: true)
        router.openOneWay()
        router.repeatData { $0.see($1, .arrives) }
        #expect(router.findings.isEmpty)
        #expect(router.engine.forwarding.doubts.contains(.noDropReported))
    }

    @Test(
        "What was not this machine's to forward was not dropped by it",
        arguments: ["OTHERHOST", "NO_SOCKET", "TCP_OLD_DATA", "PACKET_SOCK_ERROR"])
    func others(reason: String) {
        var router = RouterStory(tellsDrops: true)
        router.openOneWay()
        router.repeatData {
            $0.see($1, .arrives)
            $0.drop($1, reason: reason)
        }
        #expect(router.findings.isEmpty)
    }

    @Test("Too big for the next link: only where the sender goes on as before", arguments: [false, true])
    func tooBig(isTold: Bool) {
        var router = RouterStory(tellsDrops: true)
        router.openOneWay()
        var count = 0
        router.repeatData(6) { router, segment in
            count += 1
            let half = RouterStory.Segment(flags: segment.flags, seq: segment.seq, ack: segment.ack, length: 50)
            if isTold, count > 2 { return router.pass(half) }
            router.see(segment, .arrives)
            router.drop(segment, reason: "PKT_TOO_BIG")
        }
        #expect(router.findings.map { $0.path?.forwarding?.reason } == (isTold ? [] : [.tooBig]))
    }

    @Test("Nothing shows that the way out is watched: no accusation")
    func unwatchedWay() {
        var router = RouterStory()
        // The SYN left by an interface that nobody watches.
        router.see(RouterStory.Segment(flags: .syn, seq: 1000), .arrives)
        router.repeatData { $0.see($1, .arrives) }
        #expect(router.findings.isEmpty)
        #expect(router.engine.forwarding.doubts.contains(.unwatchedInterface))
    }

    @Test("A SYN that never leaves, while a ping to the same host does")
    func synDropped() throws {
        var router = RouterStory()
        let ping = Ethernet().ipv4(.client, .server).echo(reply: false)
        router.add(ping, .arrives, isOutside: false)
        router.add(ping, .leaves, isOutside: true)
        for pause in [1.0, 2, 4] {
            router.see(RouterStory.Segment(flags: .syn, seq: 1000), .arrives)
            router.wait(pause)
        }
        let finding = try #require(router.findings.first)
        #expect(finding.path?.forwarding?.packet == .syn)
        #expect(finding.evidence.map(\.name.rawValue) == ["not_forwarded", "destination_left"])
        #expect(try #require(finding.confidence) > 0.95)
    }

    @Test("A SYN that leaves each time is lost behind this machine")
    func synForwarded() {
        var router = RouterStory()
        for pause in [1.0, 2, 4] {
            router.pass(RouterStory.Segment(flags: .syn, seq: 1000))
            router.wait(pause)
        }
        #expect(router.findings.isEmpty)
    }

    @Test("The SYN-ACK of a SYN that took another way")
    func synAckDropped() throws {
        var router = RouterStory()
        router.tracking = .unknown
        let ping = Ethernet().ipv4(.server, .client).echo(reply: true)
        router.add(ping, .arrives, isOutside: true)
        router.add(ping, .leaves, isOutside: false)
        for pause in [1.0, 2, 4] {
            router.see(RouterStory.Segment(flags: [.syn, .ack], seq: 9000, ack: 1001, isFromServer: true), .arrives)
            router.wait(pause)
        }
        let finding = try #require(router.findings.first)
        #expect(finding.fiveTuple == Self.there)
        #expect(finding.path?.forwarding?.packet == .synAck)
        #expect(finding.path?.forwarding?.isFromClient == false)
        #expect(finding.path?.forwarding?.reason == .openingNeverSeen)
        #expect(finding.vantage?.interface == "out")
    }

    // MARK: Offloads

    @Test("Three that arrive leave as one, one that arrives leaves as three")
    func offload() {
        for isMergedOnArrival in [false, true] {
            var router = RouterStory()
            router.openOneWay()
            router.repeatData(5) { router, segment in
                let whole = RouterStory.Segment(flags: segment.flags, seq: 1001, ack: 9001, length: 300)
                let parts = (0..<3).map {
                    RouterStory.Segment(flags: segment.flags, seq: 1001 + 100 * UInt32($0), ack: 9001, length: 100)
                }
                for one in isMergedOnArrival ? [whole] : parts { router.see(one, .arrives) }
                for one in isMergedOnArrival ? parts : [whole] { router.see(one, .leaves) }
            }
            router.wait(1)
            #expect(router.findings.isEmpty)
            #expect(router.changes.first == .begin(Self.there))
        }
    }

    @Test("Of what is merged a part leaves: the rest was dropped")
    func partOfMerged() {
        var router = RouterStory()
        router.openOneWay()
        router.repeatData(6) { router, segment in
            router.see(RouterStory.Segment(flags: segment.flags, seq: 1001, ack: 9001, length: 300), .arrives)
            router.see(RouterStory.Segment(flags: segment.flags, seq: 1001, ack: 9001, length: 100), .leaves)
        }
        router.wait(1)
        #expect(router.findings.count == 1)
    }

    // MARK: Address translation

    private static let translated = FiveTuple(
        source: IPAddress(v4: 0xc000_0201), sourcePort: 1024, destination: .server, destinationPort: 22)

    private static var translation: ForwardingFacts.Tracking {
        .tracked(
            TrackedConnection(
                original: there, reply: translated.reversed, state: "ESTABLISHED", isReplied: true, isAssured: true))
    }

    @Test("Translated packets leave under another name: both are in focus, nothing is missing")
    func translatedForwarded() {
        var router = RouterStory()
        router.tracking = Self.translation
        router.openOneWay()
        router.repeatData(6) { router, segment in
            router.see(segment, .arrives)
            router.add(
                Ethernet().ipv4(Self.translated.source, .server, ttl: 63)
                    .tcp(1024, 22, seq: segment.seq, ack: 9001, flags: segment.flags, window: 500)
                    .payload([UInt8](repeating: 0x78, count: segment.length)), .leaves, isOutside: true)
        }
        #expect(router.changes == [.begin(Self.there), .begin(Self.translated)])
        #expect(router.findings.isEmpty)
    }

    @Test("Translated packets that do not leave are dropped here")
    func translatedDropped() throws {
        var router = RouterStory()
        router.tracking = Self.translation
        router.see(RouterStory.Segment(flags: .syn, seq: 1000), .arrives)
        router.add(
            Ethernet().ipv4(Self.translated.source, .server, ttl: 63).tcp(1024, 22, seq: 1000, flags: .syn),
            .leaves, isOutside: true)
        router.repeatData { $0.see($1, .arrives) }
        let finding = try #require(router.findings.first)
        #expect(finding.fiveTuple == Self.there)
        #expect(finding.evidence.map(\.name.rawValue) == ["not_forwarded", "left_before", "conntrack_state"])
    }

    @Test("Whether addresses are translated is not known: undecidable, and it says so")
    func unreadable() {
        var router = RouterStory()
        router.tracking = .unreadable("Operation not permitted")
        router.see(RouterStory.Segment(flags: .syn, seq: 1000), .arrives)
        let ping = Ethernet().ipv4(.client, .server).echo(reply: false)
        router.add(ping, .leaves, isOutside: true)
        router.repeatData { $0.see($1, .arrives) }
        #expect(router.findings.isEmpty)
        #expect(router.engine.forwarding.doubts.contains(.unknownTranslation("Operation not permitted")))
    }

    @Test("Sequence numbers that this machine changes decide nothing")
    func adjusted() {
        var router = RouterStory()
        router.tracking = .tracked(
            TrackedConnection(
                original: Self.there, reply: Self.there.reversed, isReplied: true, adjustsSequence: true))
        router.openOneWay()
        router.repeatData { $0.see($1, .arrives) }
        #expect(router.findings.isEmpty)
        var silent = RouterStory()
        silent.openOneWay()
        silent.repeatData { router, segment in
            var other = segment
            other.seq += 5000
            router.see(segment, .arrives)
            router.see(other, .leaves)
        }
        #expect(silent.findings.isEmpty)
    }

    // MARK: Not forwarded at all

    @Test("What is for this machine is not forwarded")
    func local() {
        var router = RouterStory(local: [.server])
        router.see(RouterStory.Segment(flags: .syn, seq: 1000), .arrives)
        router.repeatData { $0.see($1, .arrives) }
        #expect(router.changes.isEmpty)
        #expect(router.findings.isEmpty)
    }

    @Test("An address that comes to this machine while it is in focus")
    func becomesLocal() {
        var router = RouterStory()
        router.openOneWay()
        var count = 0
        router.repeatData(6) { router, segment in
            count += 1
            if count == 3 { router.engine.handle(.addresses([.server])) }
            router.see(segment, .arrives)
        }
        #expect(router.changes == [.begin(Self.there), .end(Self.there)])
        #expect(router.findings.isEmpty)
    }

    @Test("A proxy that answers in the server's name ends the connection here")
    func proxied() {
        var router = RouterStory()
        router.openOneWay()
        router.repeatData { router, segment in
            router.see(segment, .arrives)
            router.see(RouterStory.Segment(flags: .ack, seq: 9001, ack: 1001, isFromServer: true), .madeHere)
        }
        #expect(router.findings.isEmpty)
    }

    // MARK: Too little

    @Test("One that is missing and then gets through is no accusation")
    func recovers() {
        var router = RouterStory()
        router.openOneWay()
        var count = 0
        router.repeatData(8) { router, segment in
            count += 1
            if count % 2 == 0 { router.see(segment, .arrives) } else { router.pass(segment) }
        }
        router.wait(1)
        #expect(router.findings.isEmpty)
    }

    @Test("Where the capture lost packets, what was not seen leaving may have left")
    func captureLoss() {
        var router = RouterStory()
        router.openOneWay()
        router.repeatData {
            $0.see($1, .arrives)
            $0.engine.noteRecordLoss()
        }
        #expect(router.findings.isEmpty)
    }

    @Test("Nobody answers the questions: what was seen leaving before is enough, after a while")
    func unanswered() {
        var router = RouterStory()
        router.answers = false
        router.openOneWay()
        router.repeatData { $0.see($1, .arrives) }
        #expect(router.findings.count == 1)
        #expect(router.findings.first?.path?.forwarding?.reason == .unknown)
    }

    // MARK: Explanations

    @Test("A full table, and packets that do not fit the connection")
    func counters() throws {
        var full = RouterStory()
        full.tracking = .unknown
        full.counters.tracked = 256
        full.counters.trackedMaximum = 256
        full.openOneWay()
        full.repeatData { $0.see($1, .arrives) }
        #expect(full.findings.first?.path?.forwarding?.reason == .tableFull(tracked: 256, maximum: 256))
        var invalid = RouterStory()
        invalid.tracking = Self.tracked("ESTABLISHED", isReplied: true)
        invalid.counters.trackingInvalid = 5
        invalid.openOneWay()
        invalid.repeatData {
            $0.see($1, .arrives)
            $0.counters.trackingInvalid = ($0.counters.trackingInvalid ?? 0) + 1
        }
        let finding = try #require(invalid.findings.first)
        #expect(finding.path?.forwarding?.reason == .invalid)
        guard case .growths(let growths)? = finding.evidence(.trackingCounter)?.observed else {
            Issue.record("\(finding.evidence)")
            return
        }
        #expect(growths.map(\.name) == ["invalid"])
    }

    @Test("More connections of one route are counted, and told at powers of two")
    func route() {
        var router = RouterStory()
        for port in 0..<4 as Range<UInt16> {
            router.clientPort = 40000 + port
            router.openOneWay()
            router.repeatData { $0.see($1, .arrives) }
        }
        #expect(router.findings.map(\.count) == [1, 2, 4])
        #expect(router.findings.map(\.revision) == [0, 1, 2])
        #expect(Set(router.findings.map(\.id)).count == 1)
    }
}

@Suite("Focus is bounded")
struct FocusRequestTests {
    private static func flow(_ port: UInt16) -> FiveTuple {
        FiveTuple(source: .client, sourcePort: port, destination: .server, destinationPort: 22)
    }

    private static func request(_ requests: inout FocusRequests, _ port: UInt16, isHalfOpen: Bool, now: UInt64 = 0)
        -> Int?
    {
        requests.request(FlowKey.of(flow(port)).key, as: flow(port), isHalfOpen: isHalfOpen, at: now)
    }

    private static func changes(_ requests: inout FocusRequests) -> [FocusChange] {
        var changes: [FocusChange] = []
        while let change = requests.take() { changes.append(change) }
        return changes
    }

    @Test("SYNs get half of the places, the rest is for connections")
    func capacity() {
        var requests = FocusRequests()
        let halfOpen = (0..<100).compactMap { Self.request(&requests, $0, isHalfOpen: true) }
        #expect(halfOpen.count == FocusRequests.capacity / 2)
        let open = (200..<300).compactMap { Self.request(&requests, $0, isHalfOpen: false) }
        #expect(open.count == FocusRequests.capacity / 2)
        #expect(requests.refused == 136)
        #expect(Self.changes(&requests).count == FocusRequests.capacity)
        #expect(Self.changes(&requests).isEmpty)
    }

    @Test("A flow is in focus once, under both of its names, until its time is over")
    func life() {
        var requests = FocusRequests()
        let place = Self.request(&requests, 1, isHalfOpen: false)
        #expect(place == 0)
        #expect(Self.request(&requests, 1, isHalfOpen: false) == nil)
        requests.translate(0, to: Self.flow(2), key: FlowKey.of(Self.flow(2)).key)
        #expect(requests.place(of: FlowKey.of(Self.flow(2).reversed).key) == 0)
        #expect(requests.expired(at: FocusRequests.duration - 1).isEmpty)
        #expect(requests.expired(at: FocusRequests.duration) == [0])
        requests.release(0)
        #expect(requests.isEmpty)
        #expect(
            Self.changes(&requests) == [
                .begin(Self.flow(1)), .begin(Self.flow(2)), .end(Self.flow(1)), .end(Self.flow(2)),
            ])
    }
}
