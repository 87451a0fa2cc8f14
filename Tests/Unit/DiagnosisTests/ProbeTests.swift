// SPDX-License-Identifier: Apache-2.0
import Packets
import Testing

@testable import Diagnosis

@Suite("Probing")
struct ProbeTests {
    // MARK: Who answers

    @Test("A device that rejects is named by hop and address", arguments: [1, 2, 3])
    func rejected(hop: Int) {
        var network = ProbeNetwork(3, at: hop, .reset)
        let result = network.probe()
        #expect(result.state == .rejected)
        #expect(result.sender == .middlebox)
        #expect(result.hops == hop...hop)
        #expect(result.address == network.devices[hop - 1].address)
        #expect(result.hostHop == 4)
        #expect(result.isForeign)
        // The one directly before the host draws the RST with the host's own TTL: only the distance shows it.
        #expect(result.evidence.contains { $0.name == .activeTrace } == (hop < 3))
        #expect(result.isComplete)
    }

    @Test("A device that rejects before it looks at the TTL is named as well", arguments: [1, 2, 3])
    func rejectedAtOnce(hop: Int) {
        var network = ProbeNetwork(3, at: hop, .resetAtOnce)
        let result = network.probe()
        #expect(result.state == .rejected)
        #expect(result.hops == hop...hop)
        #expect(result.address == network.devices[hop - 1].address)
    }

    @Test("A closed port is the host's, near and far", arguments: [0, 1, 3, 12])
    func closed(devices: Int) {
        var network = ProbeNetwork(devices)
        let result = network.probe()
        #expect(result.state == .closed)
        #expect(result.sender == .host)
        #expect(result.hops == devices + 1...devices + 1)
        #expect(!result.isForeign)
    }

    @Test("An open port is the host's; behind a proxy it is the proxy's")
    func open() {
        var network = ProbeNetwork(3)
        network.port = .open
        var result = network.probe()
        #expect(result.state == .open)
        #expect(result.sender == .host)
        #expect(!result.isForeign)

        network = ProbeNetwork(3, at: 2, .accept)
        result = network.probe()
        #expect(result.state == .open)
        #expect(result.sender == .middlebox)
        #expect(result.hops == 2...2)
        #expect(result.isForeign)
    }

    @Test("Another initial TTL, and a longer way back, change nothing", arguments: [(64, 5), (128, 2), (255, 0)])
    func asymmetric(initial: Int, extra: Int) {
        for hop in 0...3 {
            var network = ProbeNetwork(3, at: hop, hop > 0 ? .reset : .forward)
            network.initialTTL = UInt8(initial)
            network.extraBack = extra
            let result = network.probe()
            #expect(result.state == (hop > 0 ? .rejected : .closed))
            #expect(result.hops == (hop > 0 ? hop...hop : 4...4))
        }
    }

    // MARK: Silence

    @Test("A device that drops lies between the last hop that a SYN reached and the next", arguments: [1, 2])
    func dropped(hop: Int) {
        var network = ProbeNetwork(3, at: hop, .drop)
        let result = network.probe()
        #expect(result.state == .filtered)
        #expect(result.sender == .middlebox)
        #expect(result.hops == hop...hop + 1)
        #expect(result.lastReached == hop)
        #expect(result.isForeign)
    }

    @Test("Dropped by the host or directly before it: not decidable, and said so", arguments: [true, false])
    func droppedAtTheEnd(byHost: Bool) {
        var network = byHost ? ProbeNetwork(3) : ProbeNetwork(3, at: 3, .drop)
        if byHost { network.port = .silent }
        let result = network.probe()
        #expect(result.state == .filtered)
        #expect(result.sender == .undetermined)
        #expect(result.hops == 3...4)
        #expect(result.confidence == nil)
    }

    @Test("Hops that send no errors make the place wider, not wrong")
    func silentHops() {
        var network = ProbeNetwork(5, at: 2, .drop)
        network.devices[2].tells = false
        var result = network.probe()
        #expect(result.state == .filtered)
        #expect(result.hops == 2...4)

        network = ProbeNetwork(5, at: 2, .reset)
        network.devices[0].tells = false
        network.devices[1].tells = false
        network.devices[2].tells = false
        result = network.probe()
        #expect(result.state == .rejected)
        #expect(result.hops == 2...2)
        #expect(result.address == nil)

        network = ProbeNetwork(5)
        for index in network.devices.indices { network.devices[index].tells = false }
        result = network.probe()
        #expect(result.state == .closed)
        #expect(result.sender == .host)
        #expect(result.hops == 6...6)
    }

    @Test("Rate-limited errors are waited for", arguments: [1, 2])
    func rateLimited(perSecond: Int) {
        var network = ProbeNetwork(3)
        network.port = .open
        for index in network.devices.indices { network.devices[index].errorsPerSecond = perSecond }
        var result = network.probe()
        #expect(result.state == .open)
        #expect(result.path.map(\.addresses.count) == [1, 1, 1])

        for answersEcho in [true, false] {
            network = ProbeNetwork(3, at: 2, .drop)
            network.answersEcho = answersEcho
            for index in network.devices.indices { network.devices[index].errorsPerSecond = perSecond }
            result = network.probe()
            #expect(result.state == .filtered)
            #expect(result.hops == 2...3)
        }
    }

    @Test("A host that is down is silent, not filtered")
    func down() {
        var network = ProbeNetwork(3)
        network.port = .silent
        network.answersEcho = false
        network.answersUDP = false
        let result = network.probe()
        #expect(result.state == .silent)
        #expect(result.sender == .undetermined)
        #expect(!result.isForeign)
        #expect(result.lastReached == 3)
    }

    @Test("Said by ICMP: by a device, by the host")
    func prohibited() {
        var network = ProbeNetwork(3, at: 2, .prohibit)
        var result = network.probe()
        #expect(result.state == .prohibited)
        #expect(result.sender == .middlebox)
        #expect(result.hops == 2...2)
        #expect(result.address == network.devices[1].address)
        #expect(result.isForeign)

        network = ProbeNetwork(3)
        network.port = .prohibited
        result = network.probe()
        #expect(result.state == .prohibited)
        #expect(result.sender == .host)
        #expect(!result.isForeign)
    }

    // MARK: What must not mislead

    @Test("A host that answers no ping is measured by UDP")
    func noEcho() {
        for hop in 0...2 {
            var network = ProbeNetwork(3, at: hop, hop > 0 ? .reset : .forward)
            network.answersEcho = false
            let result = network.probe()
            #expect(result.state == (hop > 0 ? .rejected : .closed))
            #expect(result.hostHop == 4)
        }
    }

    @Test("A host that answers nothing else: devices behind the answer are proof enough, none is no proof")
    func nothingElse() {
        var network = ProbeNetwork(4, at: 2, .reset)
        network.answersEcho = false
        network.answersUDP = false
        var result = network.probe()
        #expect(result.state == .rejected)
        #expect(result.hops == 2...2)
        #expect(result.hostHop == 5)
        #expect(result.hostHopIsMinimum)

        // The firewall that rejects lets nothing else through either.
        network.devices[1].dropsOthers = true
        result = network.probe()
        #expect(result.state == .refused)
        #expect(result.sender == .undetermined)
        #expect(!result.isForeign)
        #expect(result.hostHop == nil)

        // What an agent saw of the host decides in its place: at the distance of the RST, farther, and with little of
        // it.
        for (ttl, samples, state) in [(61, 4, .rejected), (61, 1, .refused), (63, 4, .closed), (64, 4, .refused)]
            as [(UInt8, Int, ProbeResult.State)]
        {
            let baseline = ProbeBaseline(distance: HopDistance(ttl: ttl), samples: samples)
            #expect(network.probe { $0.baseline = baseline }.state == state, "TTL \(ttl), \(samples) samples")
        }

        // Another port of the host that is let through.
        result = network.probe { $0.reference = 443 }
        #expect(result.state == .rejected)
        #expect(result.hops == 2...2)
        #expect(result.hostHop == 5)
    }

    @Test("A translator that answers ping itself accuses nobody")
    func translator() {
        var network = ProbeNetwork(3)
        network.echoNearer = 2
        let result = network.probe()
        #expect(result.state == .closed)
        #expect(result.sender == .host)
        #expect(result.evidence.contains { $0.name == .behindTranslator })
    }

    @Test("Where some flows have a shorter way, a SYN that takes it accuses nobody")
    func balanced() {
        // The SYN's flow and some others go past one device fewer.
        var network = ProbeNetwork(4)
        network.shortcuts = { $0.kind == .syn || $0.flow == 2 }
        var result = network.probe()
        #expect(result.sender != .middlebox)
        #expect(!result.isForeign)

        // The firewall on the shorter way is still found.
        network = ProbeNetwork(4, at: 1, .reset)
        network.shortcuts = { $0.flow == 2 }
        result = network.probe()
        #expect(result.state == .rejected)
        #expect(result.hops == 1...1)
    }

    @Test("A device that takes no second SYN of a flow is probed with new flows")
    func stateful() {
        for hop in [0, 2] {
            var network = ProbeNetwork(3, at: hop, hop > 0 ? .reset : .forward)
            network.forgetsNothing = true
            let result = network.probe()
            #expect(result.state == (hop > 0 ? .rejected : .closed))
            #expect(result.hops == (hop > 0 ? hop...hop : 4...4))
        }
    }

    @Test("Lost packets are sent again")
    func loss() {
        for hop in [0, 2] {
            var network = ProbeNetwork(3, at: hop, hop > 0 ? .reset : .forward)
            network.devices[0].loses = { $0 % 3 == 1 }
            let result = network.probe()
            #expect(result.state == (hop > 0 ? .rejected : .closed))
            #expect(result.hops == (hop > 0 ? hop...hop : 4...4))
        }
    }

    @Test("A device that answers and lets pass is found, although other answers come first")
    func injected() {
        var network = ProbeNetwork(3)
        network.port = .open
        let result = network.probe(forging: { packet in
            guard packet.kind == .syn, packet.ttl >= 2 else { return nil }
            return ProbeAnswer(.reset, from: ProbeNetwork.host, distance: HopDistance(ttl: 63))
        })
        #expect(result.state == .rejected)
        #expect(result.hops == 2...2)
        #expect(result.evidence.contains { $0.name == .synAckAfterReset })
        #expect(result.path.map(\.addresses.count) == [1, 1, 1])
    }

    @Test("A copy of an answer counts for nothing")
    func copies() {
        var network = ProbeNetwork(3)
        network.port = .open
        let result = network.probe(forging: { packet in
            packet.ttl == ProbePacket.fullTTL && packet.kind == .syn
                ? ProbeAnswer(.synAck, from: ProbeNetwork.host, distance: HopDistance(ttl: 64)) : nil
        })
        #expect(result.state == .open)
        #expect(result.sender == .host)
        #expect(!result.evidence.contains { $0.name == .synAckAfterReset })
    }

    // MARK: This machine

    @Test("What this machine lets not out is dropped by its filter, or rejected where a RST comes all the same")
    func refused() {
        for isRejected in [true, false] {
            var planner = ProbePlanner(ProbeOptions(target: ProbeNetwork.host, port: 22))
            var now: UInt64 = 0
            while now < 60_000_000_000 {
                switch planner.next(at: now) {
                case .send(let packet):
                    guard packet.kind == .syn else { break }
                    planner.refuse(packet.number)
                    let reset = ProbeAnswer(.reset, from: ProbeNetwork.host, distance: HopDistance(ttl: 64))
                    if isRejected { planner.receive(reset, to: packet.number, at: now) }
                case .wait(let until): now = until
                case .done: now = .max
                }
            }
            let result = ProbeJudge(planner).result()
            #expect(result.sender == .thisMachine)
            #expect(result.state == (isRejected ? .rejected : .filtered))
            #expect(result.hops == 0...0)
            #expect(result.isForeign)
            #expect(planner.log.entries.count { $0.packet.kind == .syn } == 1)
        }
    }

    @Test("An answer that was on no wire is this machine's; on an own address it is the host's")
    func local() {
        func answer(_ packet: ProbePacket) -> ProbeAnswer {
            ProbeAnswer(
                packet.kind == .echo ? .echoReply : .reset, from: ProbeNetwork.host,
                distance: HopDistance(ttl: 64), isLocal: true)
        }
        for isOwn in [true, false] {
            var network = ProbeNetwork(0)
            network.port = .silent
            network.answersEcho = false
            let result = network.probe({ $0.isOwnAddress = isOwn }, forging: answer)
            #expect(result.sender == (isOwn ? .host : .thisMachine))
            #expect(result.state == (isOwn ? .closed : .rejected))
            #expect(result.hops == 0...0)
            #expect(result.isForeign != isOwn)
        }
    }

    // MARK: Bounds

    @Test("Never more packets, hops, or packets at once than allowed")
    func bounds() {
        var network = ProbeNetwork(40)
        network.port = .silent
        network.answersEcho = false
        var result = network.probe { $0.maxHops = 5 }
        #expect(network.log.allSatisfy { $0.ttl <= 5 || $0.ttl == ProbePacket.fullTTL })
        #expect(result.isComplete)

        network = ProbeNetwork(40)
        network.port = .silent
        network.answersEcho = false
        result = network.probe { $0.maxPackets = 30 }
        #expect(result.packets == 30)
        #expect(!result.isComplete)

        network = ProbeNetwork(40)
        network.port = .silent
        network.answersEcho = false
        result = network.probe { $0.maxTime = 1_000_000_000 }
        #expect(result.packets <= 21)
        #expect(!result.isComplete)
    }

    @Test("Packets are spaced, and only so many are unanswered at once")
    func pace() {
        var options = ProbeOptions(target: ProbeNetwork.host, port: 22)
        options.outstanding = 3
        var planner = ProbePlanner(options)
        var sent: [UInt64] = []
        var now: UInt64 = 0
        while now < 10_000_000_000 {
            switch planner.next(at: now) {
            case .send: sent.append(now)
            case .wait(let until): now = until
            case .done: now = .max
            }
        }
        #expect(sent.count > 3)
        #expect(zip(sent, sent.dropFirst()).allSatisfy { $1 - $0 >= options.interval })
        #expect(zip(sent, sent.dropFirst(3)).allSatisfy { $1 - $0 >= options.timeout })
    }
}
