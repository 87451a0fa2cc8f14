// SPDX-License-Identifier: Apache-2.0
import CCounting
import CPacket
import Diagnosis
import Packets

/// One measurement: so many connections, drawn in such a way, with such a mix of packets.
struct EngineCase {
    let name: String
    let flows: Int
    let distribution: Traffic.Distribution
    var mix = Traffic.Mix()

    static let all: [EngineCase] = {
        let sizes = [("1k", 1000), ("50k", 50_000), ("1M", 1_000_000)]
        let cases = Traffic.Distribution.allCases.flatMap { distribution in
            sizes.map { EngineCase(name: "\(distribution)-\($0.0)", flows: $0.1, distribution: distribution) }
        }
        return cases + [
            // Nothing for the judges but what every packet is asked.
            EngineCase(
                name: "bulk-50k", flows: 50_000, distribution: .uniform,
                mix: Traffic.Mix(handshakes: 0, resets: 0)),
            EngineCase(
                name: "handshakes-50k", flows: 50_000, distribution: .uniform,
                mix: Traffic.Mix(handshakes: 200_000, resets: 0)),
            EngineCase(
                name: "resets-50k", flows: 50_000, distribution: .uniform,
                mix: Traffic.Mix(handshakes: 0, resets: 10_000)),
            // Every hundredth segment is sent again: the path judge has work.
            EngineCase(
                name: "copies-50k", flows: 50_000, distribution: .uniform,
                mix: Traffic.Mix(handshakes: 0, resets: 0, copies: 10_000)),
            // The worst that a scan or an attack brings: nothing fits, and 1 in 100 packets is a reset.
            EngineCase(
                name: "random-50k", flows: 50_000, distribution: .uniform,
                mix: Traffic.Mix(handshakes: 0, resets: 10_000, isRandom: true)),
        ]
    }()

    /// Packets that are made at once and then measured at once.
    private static let chunk = 1 << 16
    /// As many as a capture hands over.
    private static let batch = 512

    /// Measures `records` packets in the steady state and prints what it found.
    func run(records: Int) {
        var options = Engine.Options()
        options.flowCapacity = max(options.flowCapacity, flows * 2)
        options.hostCapacity = max(options.hostCapacity, flows / 2)
        options.seed = 0x5eed
        var engine = Engine(options: options)
        engine.handle(.source(file: nil, isLive: true))
        var traffic = Traffic(flows: flows, distribution, mix)
        let packets = UnsafeMutableBufferPointer<ObservedPacket>.allocate(capacity: Self.chunk)
        packets.initialize(repeating: ObservedPacket())
        defer { packets.deallocate() }
        let opened = Self.chunk / 5
        for first in stride(from: 0, to: flows, by: opened) {
            let count = traffic.opening(from: first, opened, into: packets)
            _ = Self.measure(&engine, UnsafeBufferPointer(rebasing: packets[..<count]))
        }
        // Until resets of the steady state are settled: more than two seconds of packet time.
        var sample = Sample()
        for _ in 0..<(2_500_000_000 / Int(Traffic.step) / Self.chunk) {
            traffic.fill(packets)
            _ = Self.measure(&engine, UnsafeBufferPointer(packets))
        }
        for _ in 0..<max(1, records / Self.chunk) {
            traffic.fill(packets)
            sample.add(Self.measure(&engine, UnsafeBufferPointer(packets)), records: Self.chunk)
        }
        sample.report(name)
        let statistics = engine.statistics
        print("engine.\(name).flows \(statistics.flows) flows")
        print("engine.\(name).hosts \(statistics.hosts) hosts")
        print("engine.\(name).evictions \(statistics.flowEvictions + statistics.hostEvictions) entries")
    }

    private struct Cost {
        var time: UInt64
        var allocations: UInt64
        var references: UInt64
        var findings: Int
    }

    private struct Sample {
        var times: [Double] = []
        var allocations: UInt64 = 0
        var references: UInt64 = 0
        var findings = 0
        var records = 0

        mutating func add(_ cost: Cost, records count: Int) {
            times.append(Double(cost.time) / Double(count))
            allocations += cost.allocations
            references += cost.references
            findings += cost.findings
            records += count
        }

        func report(_ name: String) {
            let mean = times.reduce(0, +) / Double(times.count)
            let median = times.sorted()[times.count / 2]
            print("engine.\(name).rate \(rounded(1000 / mean)) Mrecords/s")
            print("engine.\(name).time \(rounded(mean)) ns/record")
            print("engine.\(name).median \(rounded(median)) ns/record")
            print("engine.\(name).allocations \(rounded(Double(allocations) / Double(records))) per-record")
            print("engine.\(name).references \(rounded(Double(references) / Double(records))) per-record")
            print("engine.\(name).findings \(findings) findings")
        }

        private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
    }

    /// Returns the engine's CPU time for these packets on this thread, which other load on the machine disturbs least.
    private static func measure(_ engine: inout Engine, _ packets: UnsafeBufferPointer<ObservedPacket>) -> Cost {
        var findings = 0
        let allocations = counting_allocations()
        let references = counting_references()
        let start = counting_cpu_time()
        for first in stride(from: 0, to: packets.count, by: batch) {
            let part = UnsafeBufferPointer(rebasing: packets[first..<min(first + batch, packets.count)])
            engine.handle(.batch(Engine.Batch(part, upTo: part.last?.time ?? 0)))
            while let output = engine.poll() {
                if case .finding = output { findings += 1 }
            }
        }
        let time = counting_cpu_time() - start
        return Cost(
            time: time, allocations: counting_allocations() - allocations,
            references: counting_references() - references, findings: findings)
    }
}
