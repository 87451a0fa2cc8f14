// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// An agent that dies in the middle of its work, and the one after it.
@Suite("Lab, kill -9 and a restart", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct RestartTests {
    /// The near router's view: the firewall is its neighbour, the server is at hop 3.
    private static let serverHop = 3
    private static let interfaces = [Topology.clientSide, Topology.serverSide]

    private func reset(_ watcher: Watcher, after known: Set<String> = []) throws -> ReportedFinding? {
        try watcher.wait(atMost: 8) { $0.resets(from: 22).first { !known.contains($0.id) } }
    }

    @Test("Forwarding goes on, and the first reset is judged with the old baseline", arguments: Watcher.Hook.allCases)
    func killed(hook: Watcher.Hook) throws {
        try Topology.with { topology in
            let state = topology.scratch.file("state").path
            let router = topology.nearRouter
            let watcher = try Watcher(in: router, interfaces: Self.interfaces, hook: hook, http: true, state: state)
            // 500 echo requests a second through the router that is watched, before, while and after the agent dies.
            let load = try topology.client.start([
                "ping", "-q", "-n", "-i", "0.002", "-c", "5000", "-W", "1", Topology.serverAddress,
            ])
            try topology.ssh(Topology.serverAddress)
            let first = try #require(try reset(watcher))
            #expect(first.sender == "middlebox")
            #expect(first.hostHop == Self.serverHop)
            usleep(5_000_000)
            try watcher.kill()
            #expect(try load.wait(timeout: 30) == 0)
            let summary = String(decoding: try Data(contentsOf: load.standardOutput), as: UTF8.self)
            #expect(summary.contains("5000 received") && summary.contains(" 0% packet loss"), "\(summary)")

            // Nothing but the SYN and the reset passes the next agent before it has to judge.
            let next = try Watcher(in: router, interfaces: Self.interfaces, hook: hook, http: true, state: state)
            try topology.ssh(Topology.serverAddress)
            let second = try #require(try reset(next))
            #expect(second.sender == "middlebox")
            #expect(second.hop == 1)
            #expect(second.hostHop == Self.serverHop)
            let told = String(decoding: try next.get("/api/v1/resets?src_port=22"), as: UTF8.self)
            #expect(told.contains(first.id) && told.contains(second.id))
            #expect(try next.restingLedger().total.accounted > 0)
            _ = try next.stop()

            // Without the state it knows nothing.
            let stranger = try Watcher(in: router, interfaces: Self.interfaces, hook: hook)
            try topology.ssh(Topology.serverAddress)
            #expect(try #require(try reset(stranger)).hostHop == nil)
            _ = try stranger.stop()
        }
    }

    @Test("A full disk stops history, and nothing else")
    func fullDisk() throws {
        try Topology.with { topology in
            try topology.ping(Topology.serverAddress)
            let watcher = try Watcher(
                in: topology.client, interfaces: [Topology.clientSide], hook: .tc, http: true,
                state: topology.scratch.file("state").path, diskKilobytes: 400)
            func metric(_ name: String) throws -> Int {
                let text = String(decoding: try watcher.get("/metrics"), as: UTF8.self)
                let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(name) ") })
                return try #require(line.split(separator: " ").last.flatMap { Int($0) })
            }
            #expect(try metric("rstwho_history_up") == 1)
            for _ in 0..<10 {
                _ = try topology.client.run(
                    ["sh", "-c", "for i in $(seq 60); do nc -n -z -w 1 \(Topology.serverAddress) 22; done"], timeout: 60
                )
                if try metric("rstwho_history_up") == 0 { break }
            }
            #expect(try waited(atMost: 10) { try metric("rstwho_history_up") == 0 ? true : nil } == true)
            #expect(try metric("rstwho_history_errors_total{reason=\"full\"}") == 1)
            let before = try watcher.findings().count
            try topology.ssh(Topology.serverAddress)
            #expect(try watcher.wait(atMost: 8) { $0.count > before ? true : nil } == true)
            #expect(try waited(atMost: 5) { try metric("rstwho_history_dropped_total") > 0 ? true : nil } == true)
            let errors = try watcher.standardError
            #expect(errors.components(separatedBy: "history is not kept").count == 2, "\(errors)")
            _ = try watcher.stop()
        }
    }
}
