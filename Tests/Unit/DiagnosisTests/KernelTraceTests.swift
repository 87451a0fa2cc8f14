// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("What this machine's kernel says of its own resets")
struct KernelTraceTests {
    private static let madeHere = UInt8(PACKET_INTERFACE_EGRESS | PACKET_INTERFACE_MADE_HERE)
    private static let fiveTuple = FiveTuple(
        source: .server, sourcePort: 22, destination: .client, destinationPort: 50992)

    private func options(
        _ tracing: Engine.ResetTracing = .complete, local: Set<IPAddress> = [.server]
    ) -> Engine.Options {
        var options = Engine.Options()
        options.egressIsMarked = true
        options.localAddresses = local
        options.resetTracing = tracing
        return options
    }

    /// A SYN at +1 ms and the reset that leaves at +2 ms.
    private func refused(_ options: Engine.Options) -> Story {
        var story = Story(options, isLive: true)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 64, interface: Self.madeHere)
        return story
    }

    /// A connection that the server resets while data flows.
    private func aborted(_ options: Engine.Options) -> Story {
        var story = Story(options, isLive: true)
        story.client(.syn)
        story.server([.syn, .ack], seq: 9000, ack: 1001, ttl: 64, interface: Self.madeHere)
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "data")
        story.server([.rst, .ack], seq: 9001, ack: 1005, ttl: 64, window: 500, interface: Self.madeHere)
        return story
    }

    /// The kernel's word of the last packet of `story`, `after` ns after it.
    private func trace(
        _ story: Story, after: Int64 = -10_000, seq: UInt32 = 0, ack: UInt32? = 1001, isActive: Bool = false,
        process: ResetTrace.Process? = nil, reason: String? = "NO_SOCKET", fiveTuple: FiveTuple = fiveTuple
    ) -> ResetTrace {
        ResetTrace(
            time: UInt64(Int64(story.time) + after), fiveTuple: fiveTuple, seq: seq, ack: ack, isActive: isActive,
            hasSocket: isActive, process: process, reason: reason)
    }

    private static let process = ResetTrace.Process(id: 42, name: "sshd")

    /// Returns the findings `wait` ns after the last packet, without the end of the capture.
    private func findings(
        _ story: Story, before: [ResetTrace] = [], after: [ResetTrace] = [], wait: UInt64 = 200_000_000,
        lossAt: UInt64? = nil, finishes: Bool = false
    ) -> [Finding] {
        var engine = Engine(options: story.engine)
        engine.begin(file: nil, isLive: true)
        for trace in before { engine.observe(trace: trace) }
        story.trace.packets.withUnsafeBufferPointer { engine.observe($0, upTo: story.time) }
        for trace in after { engine.observe(trace: trace) }
        if let lossAt { engine.noteTraceLoss(upTo: lossAt) }
        engine.observe(UnsafeBufferPointer(start: nil, count: 0), upTo: story.time + wait)
        if finishes { engine.finish() }
        return engine.takeFindings()
    }

    @Test("The answer to a packet: the kernel, at once, because the event comes before the packet")
    func answer() {
        let story = refused(options())
        let findings = findings(story, before: [trace(story)], wait: 0)
        #expect(findings.map(\.reset?.sender) == [.hostKernel])
        #expect(findings.map(\.reset?.cause) == [.portClosed])
        #expect(findings.first?.evidence.contains(.kernelEvent) == true)
    }

    @Test("An aborted socket: the application, with the process that did it; the event comes after the packet")
    func abort() throws {
        let story = aborted(options())
        let event = trace(
            story, after: 20_000, seq: 9001, ack: 1005, isActive: true, process: Self.process,
            reason: "TCP_STATE")
        #expect(findings(story, after: [event], wait: 50_000_000).isEmpty)
        let findings = findings(story, after: [event])
        #expect(findings.map(\.reset?.sender) == [.hostApplication])
        #expect(findings.map(\.reset?.cause) == [.aborted])
        let evidence = try #require(findings.first?.evidence.first { $0.name == .kernelEvent })
        guard case .kernel(let kernel)? = evidence.observed else {
            Issue.record("\(evidence)")
            return
        }
        #expect(kernel.process == Self.process && kernel.reason == "TCP_STATE" && kernel.isActive)
    }

    @Test("An aborted socket is known by its five-tuple where its sequence number differs; an answer is not")
    func fiveTupleOfAborted() {
        let story = aborted(options())
        let event = trace(
            story, seq: 8000, ack: 1005, isActive: true, process: Self.process, reason: "TCP_ABORT_ON_CLOSE")
        #expect(findings(story, after: [event]).map(\.reset?.sender) == [.hostApplication])
        let other = trace(story, seq: 8000, ack: nil)
        #expect(findings(story, before: [other]).map(\.reset?.sender) == [.hostFirewall])
    }

    @Test("An aborted socket without a process, or for want of an answer: the kernel's timers")
    func timer() {
        let story = aborted(options())
        let event = trace(story, seq: 9001, ack: 1005, isActive: true, reason: "TCP_KEEPALIVE_TIMEOUT")
        #expect(findings(story, after: [event]).map(\.reset?.sender) == [.hostKernel])
    }

    @Test("No event where the kernel tells of all: the packet filter, once the event must have come")
    func silence() {
        let story = refused(options())
        #expect(findings(story, wait: 50_000_000).isEmpty)
        let findings = findings(story)
        #expect(findings.map(\.reset?.sender) == [.hostFirewall])
        #expect(findings.map(\.reset?.cause) == [.rejected])
    }

    @Test("No event where the kernel tells of some only, or of none: which part is not decidable")
    func silenceMeansNothing() {
        #expect(findings(refused(options(.incomplete))).map(\.reset?.sender) == [.host])
        #expect(findings(refused(options(.none)), wait: 0).map(\.reset?.sender) == [.host])
    }

    @Test("The end of the capture before the event must have come: not decidable")
    func endBefore() {
        #expect(findings(refused(options()), wait: 0, finishes: true).map(\.reset?.sender) == [.host])
    }

    @Test("Events that were lost around the packet: no event means nothing; lost long before, it does")
    func loss() {
        let story = refused(options())
        #expect(findings(story, lossAt: story.time).map(\.reset?.sender) == [.host])
        #expect(findings(story, lossAt: story.time - 1).map(\.reset?.sender) == [.hostFirewall])
    }

    @Test("A reset whose source was translated on its way out is known by its numbers and destination")
    func translated() {
        let story = refused(options())
        var inner = Self.fiveTuple
        inner.sourcePort = 2222
        #expect(findings(story, before: [trace(story, fiveTuple: inner)]).map(\.reset?.sender) == [.hostKernel])
        inner.destinationPort = 1
        #expect(findings(story, before: [trace(story, fiveTuple: inner)]).map(\.reset?.sender) == [.hostFirewall])
    }

    @Test("An event of long ago is another packet's")
    func old() {
        let story = refused(options())
        #expect(findings(story, before: [trace(story, after: -2_900_000_000)]).map(\.reset?.sender) == [.hostKernel])
        #expect(findings(story, before: [trace(story, after: -3_100_000_000)]).map(\.reset?.sender) == [.hostFirewall])
    }

    @Test("Two events with the same numbers before their two packets serve both")
    func repeated() {
        var story = refused(options())
        story.wait(0.02)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 64, interface: Self.madeHere)
        let both = [trace(story, after: -25_000_000), trace(story)]
        #expect(findings(story, before: both).map(\.reset?.sender) == [.hostKernel, .hostKernel])
    }

    @Test("In another's name: this machine's at once, whatever the kernel says")
    func anotherName() {
        let story = refused(options(local: []))
        #expect(findings(story, wait: 0).map(\.reset?.sender) == [.thisMachine])
        #expect(findings(story, before: [trace(story)], wait: 0).map(\.reset?.sender) == [.thisMachine])
    }

    @Test("More events than are kept: the oldest give way, and then no event means nothing")
    func bound() {
        let story = refused(options())
        let flood = (0..<UInt32(ResetTraces.capacity)).map { number in
            trace(story, after: -1_000_000, ack: 500_000 + number)
        }
        #expect(findings(story, before: flood).map(\.reset?.sender) == [.hostFirewall])
        let more = flood + [trace(story, after: 1000, ack: 7)]
        #expect(findings(story, before: more).map(\.reset?.sender) == [.host])
    }
}
