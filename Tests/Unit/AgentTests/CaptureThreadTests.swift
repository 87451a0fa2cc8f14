// SPDX-License-Identifier: Apache-2.0
import Agent
import CPacket
import Capture
import Diagnosis
import Packets
import Synchronization
import Testing

/// Hands over the same packets in a batch each, then ticks until it is stopped.
private final class FakeSource: CaptureSource {
    private let packets: [PacketRecord]
    private let isStopped = Atomic(false)
    private let failure: CaptureError?

    init(_ packets: [PacketRecord], failure: CaptureError? = nil) {
        self.packets = packets
        self.failure = failure
    }

    var ledger: Ledger { Ledger() }

    func stop() {
        isStopped.store(true, ordering: .releasing)
    }

    func focus(_ flow: FiveTuple, isOn: Bool) -> UInt64 { 0 }

    func run(
        notice: (LiveCapture.Notice) -> Void, _ handle: (PacketBatch) -> Void
    ) throws(CaptureError) -> LiveCapture.End {
        var time: UInt64 = 1_700_000_000_000_000_000
        for record in packets {
            time += 1_000_000
            let packet = ObservedPacket(record: record, time: time, frame: 0, headers: nil)
            withUnsafePointer(to: packet) { pointer in
                handle(PacketBatch(packets: UnsafeBufferPointer(start: pointer, count: 1), watermark: time))
            }
        }
        if let failure { throw failure }
        while !isStopped.load(ordering: .acquiring) {
            time += 1_000_000
            handle(PacketBatch(packets: UnsafeBufferPointer(start: nil, count: 0), watermark: time))
        }
        return .stopped
    }
}

@Suite struct CaptureThreadTests {
    private func record(
        from source: UInt32, _ sourcePort: UInt16, to destination: UInt32, _ destinationPort: UInt16, flags: TCPFlags,
        seq: UInt32, ack: UInt32, isEgress: Bool
    ) -> PacketRecord {
        var record = PacketRecord()
        let (from, to) = (IPAddress(v4: source), IPAddress(v4: destination))
        (record.src_high, record.src_low) = (from.high, from.low)
        (record.dst_high, record.dst_low) = (to.high, to.low)
        (record.src_port, record.dst_port) = (sourcePort, destinationPort)
        (record.seq, record.ack) = (seq, ack)
        record.flags = flags.rawValue
        record.ttl = 64
        record.class = flags.contains(.rst) ? PacketClass.reset.rawValue : PacketClass.handshake.rawValue
        record.interface = isEgress ? UInt8(PACKET_INTERFACE_EGRESS | PACKET_INTERFACE_MADE_HERE) : 0
        return record
    }

    private var refusedConnect: [PacketRecord] {
        [
            record(
                from: 0x0a01_0001, 50_000, to: 0x0a04_0002, 23, flags: .syn, seq: 100, ack: 0, isEgress: true),
            record(
                from: 0x0a04_0002, 23, to: 0x0a01_0001, 50_000, flags: [.rst, .ack], seq: 0, ack: 101, isEgress: false),
        ]
    }

    @Test func aResetIsFoundAndQuestionsAreAnswered() async throws {
        let source = FakeSource(refusedConnect)
        let state = AgentState { Ledger() }
        let thread = CaptureThread(
            source: source, state: state, options: Engine.Options(),
            interfaces: [AgentState.Interface(name: "eth0", hook: "tc")])
        async let running: Void = thread.run()
        let begun = ContinuousClock.now
        while state.withFindings({ $0.count }) == 0, begun.duration(to: .now) < .seconds(60) {
            try await Task.sleep(for: .milliseconds(5))
        }
        let hosts = try await state.engineRequests.ask { $0.hostSnapshot.summaries().map(\.address.description) }
        #expect(hosts.contains("10.1.0.1"))
        #expect(state.phase == .capturing)
        source.stop()
        try await running
        #expect(state.phase == .ended)
        let findings = state.withFindings { $0.newest(limit: 10) { _ in true }.findings }
        #expect(findings.count == 1)
        #expect(findings.first?.fiveTuple.sourcePort == 23)
        #expect(state.statistics.connectionsInside == 1)
    }

    /// A reset that this machine made in the name of 10.4.0.2: its own only where it has that address.
    @Test(arguments: [(0x0a04_0002 as UInt32, Finding.Sender.host), (0x0a04_0003, .thisMachine)])
    func anAddressThatComesLaterIsThisMachinesOwn(address: UInt32, sender: Finding.Sender) async throws {
        let findings = try await ownReset(newAddresses: { [IPAddress(v4: address)] })
        #expect(findings.map(\.reset?.sender) == [sender])
    }

    /// The address goes in the very batch that has the reset, or before.
    @Test(arguments: [(1, Finding.Sender.host), (0, .thisMachine)])
    func anAddressThatHasGoneIsAnothers(batch: Int, sender: Finding.Sender) async throws {
        let batches = Atomic(0)
        let findings = try await ownReset(localAddresses: [IPAddress(v4: 0x0a04_0002)]) {
            batches.add(1, ordering: .relaxed).oldValue == batch ? [IPAddress(v4: 0x0a04_0009)] : nil
        }
        #expect(findings.map(\.reset?.sender) == [sender])
    }

    private func ownReset(
        localAddresses: Set<IPAddress> = [], newAddresses: @escaping @Sendable () -> Set<IPAddress>?
    ) async throws -> [Finding] {
        var packets = refusedConnect
        packets[0].interface = 0
        packets[1].interface = UInt8(PACKET_INTERFACE_EGRESS | PACKET_INTERFACE_MADE_HERE)
        let source = FakeSource(packets)
        source.stop()
        let state = AgentState { Ledger() }
        var options = Engine.Options()
        options.egressIsMarked = true
        options.localAddresses = localAddresses
        try await CaptureThread(
            source: source, state: state, options: options, interfaces: [], newAddresses: newAddresses
        ).run()
        return state.withFindings { $0.newest(limit: 10) { _ in true }.findings }
    }

    @Test func whatIsOpenAtTheEndIsTold() async throws {
        let source = FakeSource(refusedConnect)
        source.stop()
        let state = AgentState { Ledger() }
        try await CaptureThread(source: source, state: state, options: Engine.Options(), interfaces: []).run()
        #expect(state.withFindings { $0.count } == 1)
    }

    @Test func withoutAResetNothingIsFound() async throws {
        let source = FakeSource(Array(refusedConnect.prefix(1)))
        source.stop()
        let state = AgentState { Ledger() }
        try await CaptureThread(source: source, state: state, options: Engine.Options(), interfaces: []).run()
        #expect(state.withFindings { $0.count } == 0)
    }

    @Test func aFailureIsThrownAndWhatWasFoundIsTold() async throws {
        let failure = CaptureError(.unavailable, subject: "eth0", problem: "broke")
        let source = FakeSource(refusedConnect, failure: failure)
        let state = AgentState { Ledger() }
        await #expect(throws: CaptureError.self) {
            try await CaptureThread(source: source, state: state, options: Engine.Options(), interfaces: []).run()
        }
        #expect(state.withFindings { $0.count } == 1)
        #expect(state.phase == .ended)
    }
}
