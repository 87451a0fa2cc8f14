// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Foundation
import Packets
import Testing

@testable import Diagnosis

/// The order within a batch, and what comes out of the engine by which verb.
@Suite struct EngineInputTests {
    private static let local: IPAddress = .server

    private func engine(
        tracing: Engine.ResetTracing = .none, local: Set<IPAddress> = [], isMarked: Bool = false
    ) -> Engine {
        var options = Engine.Options()
        options.resetTracing = tracing
        options.localAddresses = local
        options.egressIsMarked = isMarked
        var engine = Engine(options: options)
        engine.handle(.source(file: nil, isLive: true))
        return engine
    }

    /// A reset that this machine makes in the name of the server.
    private func reset(port: UInt16, at time: UInt64) -> PacketTrace {
        let trace = PacketTrace()
        trace.add(
            Ethernet().ipv4(.server, .client, ttl: 64).tcp(22, port, seq: 9001, ack: 1001, flags: [.rst, .ack]),
            time: time, interface: UInt8(PACKET_INTERFACE_EGRESS | PACKET_INTERFACE_MADE_HERE))
        return trace
    }

    private func findings(
        _ engine: inout Engine, _ trace: PacketTrace, _ change: (inout Engine.Batch) -> Void = { _ in }
    )
        -> [Finding]
    {
        trace.packets.withUnsafeBufferPointer { packets in
            var batch = Engine.Batch(packets, upTo: packets.last?.time ?? 0)
            change(&batch)
            engine.handle(.batch(batch))
        }
        return engine.takeFindings()
    }

    private func event(port: UInt16, at time: UInt64) -> ResetTrace {
        ResetTrace(
            time: time,
            fiveTuple: FiveTuple(source: .server, sourcePort: 22, destination: .client, destinationPort: port),
            seq: 9001, ack: 1001, isActive: false, hasSocket: true)
    }

    @Test("The kernel's events of a batch are known before its packets")
    func tracesFirst() throws {
        var engine = engine(tracing: .complete, local: [Self.local])
        let time = Story.start
        let first = findings(&engine, reset(port: 1000, at: time)) { $0.traces = [event(port: 1000, at: time)] }
        #expect(first.map { $0.reset?.sender } == [.hostKernel])
        // Without its event it waits, and nothing came when that would have been due.
        #expect(findings(&engine, reset(port: 2000, at: time + Story.second)).isEmpty)
        let later = findings(&engine, reset(port: 3000, at: time + 2 * Story.second)) {
            $0.traces = [event(port: 3000, at: time + 2 * Story.second)]
        }
        #expect(later.first?.reset?.sender == .hostFirewall)
    }

    @Test("Lost events of a batch are known before its packets and its time")
    func lossFirst() {
        var engine = engine(tracing: .complete, local: [Self.local])
        let time = Story.start
        #expect(findings(&engine, reset(port: 2000, at: time)) { $0.hasAllTraces = false }.isEmpty)
        engine.handle(.batch(.init(UnsafeBufferPointer(start: nil, count: 0), upTo: time + Story.second)))
        #expect(engine.takeFindings().contains { $0.reset?.sender == .hostFirewall } == false)
    }

    @Test("A new address is this machine's own for the next batch, and one that has gone still is")
    func addresses() {
        // A reset in another's name is this machine's as a device; with its own address its host's.
        func sender(_ inputs: [Set<IPAddress>], ticks: Int = 0, starting: Set<IPAddress>) -> Finding.Sender? {
            var engine = engine(local: starting)
            for addresses in inputs { engine.handle(.addresses(addresses)) }
            for _ in 0..<ticks {
                engine.handle(.batch(.init(UnsafeBufferPointer(start: nil, count: 0), upTo: Story.start)))
            }
            return findings(&engine, reset(port: 1000, at: Story.start + 1)).first?.reset?.sender
        }
        #expect(sender([], starting: []) == .thisMachine)
        let own = sender([], starting: [.server])
        #expect(own != .thisMachine)
        #expect(sender([[.server]], starting: []) == own)
        #expect(sender([[]], starting: [.server]) == own)
        #expect(sender([[.server], []], starting: []) == own)
        // One batch later it is another's.
        #expect(sender([[]], ticks: 1, starting: [.server]) == .thisMachine)
        #expect(sender([[.server]], ticks: 1, starting: []) == own)
    }

    @Test("What the engine wants of a flow comes out once, by the same verb as findings")
    func outputs() {
        var router = RouterStory()
        router.answers = false
        router.openOneWay()
        router.repeatData { $0.see($1, .arrives) }
        #expect(router.changes.contains { if case .begin = $0 { true } else { false } })
        #expect(router.engine.poll() == nil)
    }

    @Test("The engine holds at most 12 properties, and its folder names no tracker's parts")
    func rooms() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/Diagnosis").standardized
        let engine = sources.appending(path: "Engine")
        let text = try String(contentsOf: engine.appending(path: "Engine.swift"), encoding: .utf8)
        func properties(_ text: String, of type: String) throws -> [Substring] {
            let body = try #require(text.components(separatedBy: "struct \(type)").last)
            let lines = body.split(separator: "\n").prefix {
                !$0.contains("    init(") && !$0.contains("package init(")
            }
            return lines.filter {
                $0.wholeMatch(of: #/    (?:private |private\(set\) |package )*(?:var|let) \w+(?::| =)[^{]*/#) != nil
            }
        }
        let own = try properties(text, of: "Engine: ~Copyable")
        // A struct that only holds others counts as these.
        let reset = try String(contentsOf: sources.appending(path: "Resets/ResetTracker.swift"), encoding: .utf8)
        let held = try properties(reset, of: "ResetWitnesses: ~Copyable")
        #expect(held.count == 3)
        #expect(own.count >= 8 && own.count - 1 + held.count <= 12, "\(own)")
        let parts = [
            "PendingResets", "JudgedResets", "UndeterminedResets", "ResetFlood", "ResetTraces(", "PathSuspect",
            "PathRoutes",
            "OneWayTapDetector(", "PathTable", "DistinctCounter", "CounterHistory", "ICMPErrors", "ICMPCase",
            "FocusRequests",
            "ForwardingWatch", "ForwardedDestinations", "RecentResets", "DuplicateFilter", "ResetOrigins",
            "IdentificationCounters", "HopAddresses", "RewritingLinks", "EvidenceBundles", "BulkTail", "PacketRing",
        ]
        for file in try FileManager.default.contentsOfDirectory(at: engine, includingPropertiesForKeys: nil) {
            let code = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                .filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            for part in parts {
                let users = code.filter { $0.contains(part) }
                #expect(users.isEmpty, "\(file.lastPathComponent) names \(part)")
            }
        }
    }
}
