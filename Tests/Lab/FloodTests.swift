// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// A flood, as many packets as this machine makes, on an agent that sees all of them: it stays exact, small and
/// responsive, and finds what somebody does meanwhile.
@Suite(
    "Lab, floods", .serialized,
    .enabled(if: Requirements.areMet && Requirements.has("python3"), "\(Requirements.reason), and python3"))
struct FloodTests {
    /// As in `Tests/Lab/Traffic/flood.py`.
    private static let server = "10.9.0.2"
    private static let forged = 100
    private static let interface = "eth0"

    /// A counter of the watched interface.
    private func counter(_ name: String, _ machine: Namespace) throws -> Int {
        let output = try machine.run(["cat", "/sys/class/net/\(Self.interface)/statistics/\(name)"]).standardOutput
        return try #require(Int(output.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test("Each packet is accounted for, findings have counts, memory is bounded", arguments: Watcher.Hook.allCases)
    func flood(hook: Watcher.Hook) throws {
        try Namespace.removeLeftovers()
        let scratch = try Scratch()
        let sensor = try Namespace("sensor", scratch: scratch, ipv6: false)
        let source = try Namespace("source", scratch: scratch, ipv6: false)
        try sensor.connect(Self.interface, to: source, Self.interface)
        // Without an XDP program a veth takes live frames only with GRO.
        if hook == .tc { try sensor.require(["ethtool", "-K", Self.interface, "gro", "on"]) }
        let watcher = try Watcher(
            in: sensor, interfaces: [Self.interface], hook: hook, http: true, tap: true, isGrouped: true)
        let before = try watcher.memory()
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Traffic/flood.py")
        let traffic = try source.start([
            "nice", "-n", "-10", "python3", "-B", script.path, Self.interface, "02:00:00:00:00:09",
            Requirements.built("frame-generator"),
            "\(Self.forged)", "seconds=6", "resets=65536",
        ])
        usleep(3_000_000)
        // It answers meanwhile.
        let begun = ContinuousClock.now
        _ = try watcher.get("/metrics")
        _ = try watcher.get("/api/v1/resets?limit=10")
        let answered = begun.duration(to: .now)
        let status = try traffic.wait(timeout: 60)
        let message = String(decoding: try Data(contentsOf: traffic.standardError), as: UTF8.self)
        try #require(status == 0, "\(message)")
        let ledger = try watcher.restingLedger()
        let (arrived, dropped) = (try counter("rx_packets", sensor), try counter("rx_dropped", sensor))
        let after = try watcher.memory()
        let findings = try watcher.stop().last
        withExtendedLifetime((sensor, source)) {}

        let count = try #require(ledger.row(Self.interface, "in")).count
        let lost = count.lost["reset", default: [:]].values.reduce(0, +)
        let told = findings.reduce(0) { $0 + ($1.count ?? 1) }
        print(
            """
            \(hook): \(String(decoding: try Data(contentsOf: traffic.standardOutput), as: UTF8.self)) seen \(count.seen), \
            dropped by the interface \(dropped), recorded \(count.allRecorded), lost \(count.allLost), idle \(count.idle), \
            findings \
            \(findings.count) for \(told) resets, memory \(before / 1024) to \(after / 1024) MB, answered after \(answered)
            """)
        // Exactly.
        #expect(count.accounted == count.seen)
        // Nothing passes uncounted, not even while the agent has no CPU time to renew its lease.
        #expect(count.seen == arrived)
        #expect(ledger.allConsumed == count.allRecorded)
        #expect(ledger.allConsumed == ledger.observed + ledger.rejected)
        // What is lost has its reason, and precious ones are lost for want of room only.
        #expect(count.lost["reset", default: [:]]["ring_full", default: 0] == lost)
        // Nothing is a copy of anything, so all resets are told, with fewer findings than a hundredth.
        #expect(ledger.rejected == 0)
        #expect(told == count.recorded["reset"])
        #expect(findings.count < told / 100)
        // Those of the one host.
        let forged = findings.filter { $0.src == Self.server }
        #expect(forged.allSatisfy { $0.sender == "middlebox" && $0.hop == 2 && $0.hostHop == 4 })
        // Each was recorded with the chance that all had; that none of a hundred was is possible where few were.
        let least = count.recorded["reset", default: 0] * 10 >= count.seen ? 1 : 0
        #expect((least...Self.forged).contains(forged.reduce(0) { $0 + ($1.count ?? 1) }))
        #expect(after < 300 * 1024)
        #expect(answered < .seconds(10))
    }

    @Test("One reset in a flood of SYNs at full rate is found, within the CPU budget", arguments: [1, 0])
    func needle(forged: Int) throws {
        try Namespace.removeLeftovers()
        let scratch = try Scratch()
        let sensor = try Namespace("sensor", scratch: scratch, ipv6: false)
        let source = try Namespace("source", scratch: scratch, ipv6: false)
        try sensor.connect(Self.interface, to: source, Self.interface)
        try sensor.require(["ethtool", "-K", Self.interface, "gro", "on"])
        let watcher = try Watcher(
            in: sensor, interfaces: [Self.interface], hook: .tc, http: true, tap: true, isGrouped: true)
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Traffic/flood.py")
        let traffic = try source.start([
            "nice", "-n", "-10", "python3", "-B", script.path, Self.interface, "02:00:00:00:00:09",
            Requirements.built("frame-generator"), "\(forged)", "seconds=5", "handshakes=65536", "flows=16384",
        ])
        usleep(2_500_000)
        let (before, begun) = (try watcher.cpuTime(), ContinuousClock.now)
        let during = try watcher.ledger()
        usleep(2_000_000)
        let share = (try watcher.cpuTime() - before) / (begun.duration(to: .now) / .seconds(1))
        let status = try traffic.wait(timeout: 60)
        let message = String(decoding: try Data(contentsOf: traffic.standardError), as: UTF8.self)
        try #require(status == 0, "\(message)")
        let ledger = try watcher.restingLedger()
        let findings = try watcher.stop().last
        withExtendedLifetime((sensor, source)) {}

        let count = try #require(ledger.row(Self.interface, "in")).count
        print(
            """
            \(String(decoding: try Data(contentsOf: traffic.standardOutput), as: UTF8.self)) seen \(count.seen), recorded \
            \(count.allRecorded), shed \(count.allShed), lost \(count.allLost), \(share) of a core, kept \
            \(during.keptShare)
            """)
        #expect(count.accounted == count.seen)
        #expect(count.shed["handshake", default: 0] > 0)
        #expect(count.shed["reset"] == 0)
        #expect(count.recorded["reset"] == forged)
        #expect(count.lost["reset", default: [:]].values.allSatisfy { $0 == 0 })
        #expect(during.keptShare["bulk", default: 1] <= during.keptShare["handshake", default: 1])
        #expect(share < 0.4)
        let resets = findings.filter { $0.kind == "reset" }
        #expect(resets.count == forged)
        #expect(resets.allSatisfy { $0.src == Self.server && $0.sender == "middlebox" && $0.hop == 2 })
    }
}

extension Watcher {
    /// CPU time that it has taken, s.
    func cpuTime() throws -> Double {
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        // Behind the name in parentheses, fields 14 and 15 in ticks (proc_pid_stat(5)).
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = try [11, 12].map { try #require(fields.count > $0 ? Double(fields[$0]) : nil) }
        return ticks.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The memory that it has in use, KiB.
    func memory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }
}
