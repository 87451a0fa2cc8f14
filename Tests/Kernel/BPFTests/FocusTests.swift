// SPDX-License-Identifier: Apache-2.0
import BPFHarness
import CPacket
import Fixtures
import Packets
import Testing

/// Forwarded packets at TC egress, with and without focus on their flow.
@Suite(
    "Focus", .serialized,
    .enabled(if: KernelObject.areUsable, "needs root, a kernel with BPF, and the objects that make bpf builds"))
struct FocusTests {
    /// The outcome of a forwarded packet.
    private enum Fate: Equatable {
        case recorded, skipped, other
    }

    private static func fate(_ bytes: [UInt8], _ programs: borrowing KernelPrograms) -> Fate {
        guard let result = programs.runForwarded(bytes), result.seen == 1, result.verdict == .max else { return .other }
        switch (result.recorded, result.skipped, result.records) {
        case (1, 0, 1): return result.record.interface == UInt8(PACKET_INTERFACE_EGRESS) ? .recorded : .other
        case (0, 1, 0): return .skipped
        default: return .other
        }
    }

    /// The bit that the host build computes.
    private static func bit(_ bytes: [UInt8]) throws -> UInt32 {
        var record = try #require(ParsedFrame(bytes).record)
        var key = harness_hash_key
        return rstwho_focus_bit(rstwho_flow_hash(&key, &record))
    }

    /// Packets that are skipped without focus, in both directions: plain ones, which are told without a parse, and
    /// others.
    private static func flow(_ random: inout SplitMix) -> (there: [[UInt8]], back: [[UInt8]]) {
        let here = IPAddress(v4: UInt32(truncatingIfNeeded: random.next()))
        let there = IPAddress(v4: UInt32(truncatingIfNeeded: random.next()))
        let here6 = IPAddress(high: random.next(), low: random.next())
        let there6 = IPAddress(high: random.next(), low: random.next())
        let ports = random.next()
        let (left, right) = (UInt16(truncatingIfNeeded: ports), UInt16(truncatingIfNeeded: ports >> 16))
        func packets(
            _ source: IPAddress, _ destination: IPAddress, _ sourcePort: UInt16, _ destinationPort: UInt16
        ) -> [[UInt8]] {
            if source.isIPv4 {
                return [
                    Ethernet().ipv4(source, destination).tcp(sourcePort, destinationPort, flags: .ack).bytes,
                    Ethernet().vlan(7).ipv4(source, destination).tcp(sourcePort, destinationPort, flags: .ack).bytes,
                    Ethernet().ipv4(source, destination, options: [1, 1, 1, 1]).tcp(
                        sourcePort, destinationPort, flags: .ack
                    ).bytes,
                ]
            }
            return [
                Ethernet().ipv6(source, destination).tcp(sourcePort, destinationPort, flags: .ack).bytes,
                Ethernet().vlan(7).ipv6(source, destination).tcp(sourcePort, destinationPort, flags: .ack).bytes,
            ]
        }
        return (
            packets(here, there, left, right) + packets(here6, there6, left, right),
            packets(there, here, right, left) + packets(there6, here6, right, left)
        )
    }

    @Test(
        "a flow's forwarded packets are recorded in both directions where it is in focus", arguments: KernelObject.all)
    func focused(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var random = SplitMix(state: 1)
        for _ in 0..<200 {
            let (there, back) = Self.flow(&random)
            for (one, other) in zip(there, back) {
                let bit = try Self.bit(one)
                #expect(try Self.bit(other) == bit)
                #expect(Self.fate(one, programs) == .skipped)
                let isOn = programs.focus(bit)
                #expect(isOn)
                #expect(Self.fate(one, programs) == .recorded)
                #expect(Self.fate(other, programs) == .recorded)
                let isOff = programs.focus(bit, isOn: false)
                #expect(isOff)
                #expect(Self.fate(other, programs) == .skipped)
            }
        }
    }

    @Test("focus on a flow leaves other flows alone", arguments: KernelObject.all)
    func others(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        var random = SplitMix(state: 2)
        let flows = (0..<500).map { _ in Self.flow(&random).there[0] }
        let bits = try flows.map { try Self.bit($0) }
        let isOn = programs.focus(bits[0])
        #expect(isOn)
        for (flow, bit) in zip(flows, bits) {
            #expect(Self.fate(flow, programs) == (bit == bits[0] ? .recorded : .skipped))
        }
        // A hash that puts flows on few bits would focus most of them.
        #expect(Set(bits).count > 480)
    }

    @Test("resets and handshakes are recorded whatever is in focus", arguments: KernelObject.all)
    func precious(_ object: KernelObject) throws {
        let programs = try KernelPrograms(object)
        let reset = Ethernet().ipv4().tcp(flags: .rst).bytes
        let data = Ethernet().ipv4(IPAddress(v4: 1), IPAddress(v4: 2)).tcp(3, 4, flags: .ack).bytes
        #expect(Self.fate(reset, programs) == .recorded)
        let isOn = programs.focus(try Self.bit(data))
        #expect(isOn)
        #expect(Self.fate(reset, programs) == .recorded)
        #expect(Self.fate(data, programs) == .recorded)
    }
}
