// SPDX-License-Identifier: Apache-2.0
import BPFHarness
import CPacket
import Fixtures
import Packets
import Testing

/// Tests of shedding by mask.
@Suite(
    "Shedding", .serialized,
    .enabled(if: KernelObject.areUsable, "needs root, a kernel with BPF, and the objects that make bpf builds"))
struct SheddingTests {
    /// The outcome of a packet.
    private enum Fate: Equatable {
        case recorded, shed, other
    }

    private static func fate(_ result: harness_result?) -> Fate {
        guard let result, result.seen == 1, result.lost == 0, result.refused == 0, result.skipped == 0 else {
            return .other
        }
        switch (result.recorded, result.shed, result.records) {
        case (1, 0, 1): return .recorded
        case (0, 1, 0): return .shed
        default: return .other
        }
    }

    /// The hash that the host build computes.
    private static func hash(_ bytes: [UInt8]) throws -> UInt32 {
        var record = try #require(ParsedFrame(bytes).record)
        var key = harness_hash_key
        return rstwho_flow_hash(&key, &record)
    }

    /// A random flow's packets, from one end to the other and back: `frame` makes one of them.
    private static func flow(
        _ random: inout SplitMix, _ frame: (IPAddress, IPAddress, UInt16, UInt16) -> [UInt8]
    ) -> (there: [UInt8], back: [UInt8]) {
        let ends = (random.next(), random.next())
        let ports = random.next()
        let (left, right) = (UInt16(truncatingIfNeeded: ports), UInt16(truncatingIfNeeded: ports >> 16))
        var here = IPAddress(v4: UInt32(truncatingIfNeeded: ends.0))
        var there = IPAddress(v4: UInt32(truncatingIfNeeded: ends.1))
        if ports >> 63 == 1 {
            here = IPAddress(high: 0x2001_0db8_0000_0001, low: ends.0)
            there = IPAddress(high: 0x2001_0db8_0000_0002, low: ends.1)
        }
        return (frame(here, there, left, right), frame(there, here, right, left))
    }

    private static func tcp(
        _ source: IPAddress, _ destination: IPAddress, _ left: UInt16, _ right: UInt16, _ flags: TCPFlags,
        behind shell: FrameBuilder = Ethernet()
    ) -> [UInt8] {
        let network = source.isIPv4 ? shell.ipv4(source, destination) : shell.ipv6(source, destination)
        return network.tcp(left, right, flags: flags).bytes
    }

    @Test(
        "a packet is kept where its flow's hash lies below the threshold, in both directions",
        arguments: KernelObject.all)
    func rule(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var random = SplitMix(state: 3)
        for share in [0.5, 0.25, 0.7, 1.0 / 256] {
            let cut = UInt32((1 - share) * 0x1p32)
            let isShedding = programs.shed(bulk: cut)
            #expect(isShedding)
            var kept = 0
            for _ in 0..<400 {
                let (there, back) = Self.flow(&random) { Self.tcp($0, $1, $2, $3, .ack) }
                let hash = try Self.hash(there)
                #expect(try Self.hash(back) == hash)
                let expected: Fate = hash <= ~cut ? .recorded : .shed
                kept += expected == .recorded ? 1 : 0
                for program in KernelPrograms.all {
                    #expect(Self.fate(programs.run(program, there)) == expected)
                    #expect(Self.fate(programs.run(program, back)) == expected)
                }
            }
            // As far as chance goes: six standard deviations.
            #expect(abs(Double(kept) - 400 * share) < 6 * (400 * share * (1 - share)).squareRoot() + 1)
        }
        let isOff = programs.shed(bulk: 0)
        #expect(isOff)
        let (there, _) = Self.flow(&random) { Self.tcp($0, $1, $2, $3, .ack) }
        #expect(Self.fate(programs.run(HARNESS_XDP, there)) == .recorded)
    }

    @Test("in a tunnel it is the inner flow that is kept or shed", arguments: KernelObject.all)
    func tunnels(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var random = SplitMix(state: 4)
        let isShedding = programs.shed(bulk: 0x8000_0000)
        #expect(isShedding)
        let shells = [
            Ethernet().ipv4().vxlan(7).ethernet(), Ethernet().ipv6().gre(), Ethernet().vlan(9).ipv4().gtpu(3),
        ]
        for shell in shells {
            for _ in 0..<50 {
                var plain: [UInt8] = []
                let (there, back) = Self.flow(&random) {
                    plain = Self.tcp($0, $1, $2, $3, .ack)
                    return Self.tcp($0, $1, $2, $3, .ack, behind: shell)
                }
                #expect(try Self.hash(there) == Self.hash(plain))
                let expected: Fate = try Self.hash(plain) < 0x8000_0000 ? .recorded : .shed
                #expect(Self.fate(programs.run(HARNESS_XDP, there)) == expected)
                #expect(Self.fate(programs.run(HARNESS_TC_INGRESS, back)) == expected)
            }
        }
    }

    @Test("resets and ICMP errors are never shed, handshakes by their own share", arguments: KernelObject.all)
    func classes(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var random = SplitMix(state: 5)
        for cuts: (bulk: UInt32, handshakes: UInt32) in [(0xffff_0000, 0), (0xffff_0000, 0xffff_0000)] {
            let isShedding = programs.shed(bulk: cuts.bulk, handshakes: cuts.handshakes)
            #expect(isShedding)
            for _ in 0..<50 {
                let kinds: [(TCPFlags, UInt32)] = [
                    (.ack, cuts.bulk), (.syn, cuts.handshakes), ([.fin, .ack], cuts.handshakes), (.rst, 0),
                    ([.rst, .syn], 0),
                ]
                for (flags, cut) in kinds {
                    let (there, _) = Self.flow(&random) { Self.tcp($0, $1, $2, $3, flags) }
                    let expected: Fate = try Self.hash(there) <= ~cut ? .recorded : .shed
                    for program in KernelPrograms.all {
                        #expect(Self.fate(programs.run(program, there)) == expected)
                    }
                }
                let (error, _) = Self.flow(&random) { source, destination, _, _ in
                    source.isIPv4
                        ? Ethernet().ipv4(source, destination).icmp(type: 3, code: 1).bytes
                        : Ethernet().ipv6(source, destination).icmp(type: 1).bytes
                }
                #expect(Self.fate(programs.run(HARNESS_TC_INGRESS, error)) == .recorded)
            }
        }
    }

    @Test("a flow in focus is recorded whatever is shed, and others are shed as before", arguments: KernelObject.all)
    func focus(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var random = SplitMix(state: 6)
        let isShedding = programs.shed(bulk: 0xffff_0000, handshakes: 0xffff_0000)
        #expect(isShedding)
        for _ in 0..<50 {
            let (there, back) = Self.flow(&random) { Self.tcp($0, $1, $2, $3, .ack) }
            let (other, _) = Self.flow(&random) { Self.tcp($0, $1, $2, $3, .syn) }
            let bit = try Self.hash(there) >> 16
            guard try Self.hash(there) > 0xffff, try Self.hash(other) > 0xffff,
                try Self.hash(other) >> 16 != bit
            else { continue }
            #expect(Self.fate(programs.run(HARNESS_TC_INGRESS, there)) == .shed)
            let isOn = programs.focus(bit)
            #expect(isOn)
            #expect(Self.fate(programs.run(HARNESS_TC_INGRESS, there)) == .recorded)
            #expect(Self.fate(programs.run(HARNESS_XDP, back)) == .recorded)
            #expect(Self.fate(programs.run(HARNESS_TC_INGRESS, other)) == .shed)
            let isOff = programs.focus(bit, isOn: false)
            #expect(isOff)
            #expect(Self.fate(programs.run(HARNESS_TC_INGRESS, back)) == .shed)
        }
    }

    @Test(
        "what is forwarded is skipped, not shed, on its way out; what is made here is shed", arguments: KernelObject.all
    )
    func egress(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var random = SplitMix(state: 7)
        let isShedding = programs.shed(bulk: 0xffff_0000, handshakes: 0xffff_0000)
        #expect(isShedding)
        for _ in 0..<20 {
            let (data, _) = Self.flow(&random) { Self.tcp($0, $1, $2, $3, .ack) }
            let (syn, _) = Self.flow(&random) { Self.tcp($0, $1, $2, $3, .syn) }
            guard try Self.hash(data) > 0xffff, try Self.hash(syn) > 0xffff else { continue }
            let forwarded = programs.runForwarded(data)
            #expect(forwarded.map { [$0.skipped, $0.shed, UInt64($0.records)] } == [1, 0, 0])
            #expect(Self.fate(programs.runForwarded(syn)) == .shed)
            #expect(Self.fate(programs.run(HARNESS_TC_EGRESS, data)) == .shed)
        }
    }
}
