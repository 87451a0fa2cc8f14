// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// An agent that dies in the middle of its work, and the one after it.
@Suite(
    "Lab, kill -9 and a restart", .serialized,
    .enabled(
        if: Requirements.areMet && ["python3", "bpftool", "clang"].allSatisfy { Requirements.has($0) },
        "\(Requirements.reason), and python3, bpftool, clang"))
struct RestartTests {
    /// The hook that the agent attaches to.
    enum Way: String, CaseIterable, CustomStringConvertible, Sendable {
        case tcx
        /// As before Linux 6.6, where programs outlive their process.
        case clsact
        case xdp

        var description: String { rawValue }
        var hook: Watcher.Hook { self == .xdp ? .xdp : .tc }
    }

    /// The near router's view: the firewall is its neighbour, the server is at hop 3.
    private static let serverHop = 3
    /// Another address of the server: what the load teaches is not what is asked.
    private static let loadedAddress = "10.4.0.3"
    private static let interfaces = [Topology.clientSide, Topology.serverSide]
    /// Handle and priority of our filters, as `tc` shows them.
    private static let ourFilter = "pref 29303 bpf chain 0 handle 0x72737477 "

    private func reset(_ watcher: Watcher, after known: Set<String> = []) throws -> ReportedFinding? {
        try watcher.wait(atMost: 8) { $0.resets(from: 22).first { !known.contains($0.id) } }
    }

    @Test(
        "Forwarding goes on, the programs idle or are gone, the next agent cleans up and judges with the old baseline",
        arguments: Way.allCases)
    func killed(way: Way) throws {
        try Topology.with { topology in
            let router = topology.nearRouter
            let state = topology.scratch.file("state").path
            let kernel = way == .clsact ? try olderKernel(topology.scratch) : nil
            func watch(state: String?) throws -> Watcher {
                try Watcher(
                    in: router, interfaces: Self.interfaces, hook: way.hook, http: true, state: state,
                    preloading: kernel)
            }
            try topology.server.address("\(Self.loadedAddress)/24", on: Topology.clientSide)
            if way == .clsact { try addForeignFilter(router) }
            let watcher = try watch(state: state)
            let load = try SteadyTraffic(from: topology.client, to: topology.server, Self.loadedAddress)
            // Five seconds before the end it learns how far the server is.
            let learned = ContinuousClock.now
            try topology.ping(Topology.serverAddress)
            try topology.ssh(Topology.serverAddress)
            let first = try #require(try reset(watcher))
            #expect(first.sender == "middlebox")
            #expect(first.hostHop == Self.serverHop)
            let objects = try KernelObjects(of: watcher.pid)
            let before = try objects.counted()
            usleep(100_000)
            // While the agent lives they count.
            #expect(try objects.counted() != before)
            let ours = try filters(router)
            #expect(ours.count == (way == .clsact ? 4 : 0))
            while learned.duration(to: .now) < .seconds(5) { usleep(10_000) }

            let (death, date) = (ContinuousClock.now, Date())
            try watcher.kill()
            let idle = try timeUntilIdle(objects, since: death)
            #expect(idle < .seconds(2.1))
            #expect(objects.living().isEmpty == (way != .clsact))
            #expect(try filters(router) == ours)
            let age = date.timeIntervalSince1970 - (try snapshotTime(state, topology.scratch))
            #expect((0...5).contains(age))
            // No agent is there, its findings are.
            #expect(try listing(["resets", "--state", state]).contains(first.id))
            #expect(try listing(["explain", first.id, "--state", state]).contains(first.id))
            #expect(try listing(["paths", "--state", state, "--since", "1m"]).contains(Self.loadedAddress))
            #expect(try listing(["origins", "--state", state, "--since", "1m"]).contains(Topology.serverAddress))

            // Nothing but the SYN and the reset passes the next agent before it has to judge.
            let next = try watch(state: state)
            let ready = ContinuousClock.now
            try topology.ssh(Topology.serverAddress)
            let refused = ready.duration(to: .now)
            #expect(refused < .seconds(1))
            let second = try #require(try reset(next))
            #expect(second.sender == "middlebox")
            #expect(second.hop == 1)
            #expect(second.hostHop == Self.serverHop)
            let told = String(decoding: try next.get("/api/v1/resets?src_port=22"), as: UTF8.self)
            #expect(told.contains(first.id) && told.contains(second.id))
            let (sent, received) = try load.stop()
            #expect(try next.restingLedger().total.accounted > 0)
            // In the place of the dead one's filters are the new ones, and nobody else's has gone.
            let newer = try filters(router)
            #expect(newer.count == ours.count && Set(newer).isDisjoint(with: ours))
            #expect(objects.living().isEmpty)
            _ = try next.stop()
            #expect(try filters(router).isEmpty)
            if way == .clsact { #expect(try hasForeignFilter(router)) }

            print(
                """
                \(way): \(sent.datagrams) datagrams and \(sent.bytes >> 20) MiB, \(sent.datagrams - received.datagrams) lost, \
                \(sent.retransmissions) retransmissions, the longest way took \(received.longest) ms; idle after \
                \(Int(idle / .milliseconds(1))) ms, the snapshot was \(Int(age * 1000)) ms old, refused \
                \(Int(refused / .milliseconds(1))) ms after the start
                """)
            #expect(sent.datagrams > 10_000)
            // A machine with two cores that is busy keeps a receiver waiting, and TCP then sends something twice.
            #expect(received.datagrams >= sent.datagrams - sent.datagrams / 1000)
            #expect(received.bytes == sent.bytes)
            #expect(sent.retransmissions <= 3)
            #expect(received.longest < 250)

            // Without the state it knows nothing.
            let stranger = try watch(state: nil)
            try topology.ssh(Topology.serverAddress)
            let unknown = try #require(try reset(stranger))
            #expect(unknown.sender == "undetermined")
            #expect(unknown.hostHop == nil)
            _ = try stranger.stop()
        }
    }

    /// A library that makes this kernel look like one before Linux 6.6.
    private func olderKernel(_ scratch: Scratch) throws -> String {
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Traffic/older_kernel.c").path
        let library = scratch.file("older_kernel.so").path
        try Namespace.host(["clang", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source])
        return library
    }

    /// Returns the time from `death` until the programs counted last, observed for half a second; shorter if they are
    /// gone with their counters.
    private func timeUntilIdle(_ objects: KernelObjects, since death: ContinuousClock.Instant) throws -> Duration {
        var last = (try? objects.counted()) ?? ""
        var changed = Duration.zero
        while changed + .milliseconds(500) > death.duration(to: .now), death.duration(to: .now) < .seconds(5) {
            let begun = death.duration(to: .now)
            guard let now = try? objects.counted() else {
                // The programs may go a moment after their maps.
                return waited(atMost: 4) { objects.living().isEmpty ? death.duration(to: .now) : nil } ?? .seconds(5)
            }
            if now != last { (last, changed) = (now, begun) }
            usleep(20_000)
        }
        return changed
    }

    /// Returns the time of the last baseline snapshot, in seconds since 1970.
    private func snapshotTime(_ state: String, _ scratch: Scratch) throws -> Double {
        let copy = scratch.file("copy").path
        try FileManager.default.copyItem(atPath: state, toPath: copy)
        let script = """
            import sqlite3, sys
            print(sqlite3.connect(sys.argv[1]).execute("SELECT value FROM facts WHERE name = 'written_at'").fetchone()[0])
            """
        let text = try Namespace.host(["python3", "-c", script, "\(copy)/history.sqlite"])
        return try #require(Double(text.trimmingCharacters(in: .whitespacesAndNewlines))) / 1e9
    }

    /// Returns the output of a command without a running agent.
    private func listing(_ arguments: [String]) throws -> String {
        let scratch = try Scratch()
        let child = try ChildProcess(
            [Requirements.built("rstwho")] + arguments + ["--format", "json"],
            standardOutput: scratch.file("out"), standardError: scratch.file("err"))
        let status = try child.wait(timeout: 20)
        let message = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
        guard status <= 1 else { throw LabError("\(child.name): \(message)") }
        return String(decoding: try Data(contentsOf: child.standardOutput), as: UTF8.self)
    }

    // MARK: - Filters of clsact

    /// The ids of our programs on clsact, each as often as it is attached.
    private func filters(_ router: Namespace) throws -> [Substring] {
        try Self.interfaces.flatMap { interface in
            try ["ingress", "egress"].flatMap { way in
                // Where there is no clsact there is nothing to show.
                try router.run(["tc", "filter", "show", "dev", interface, way]).standardOutput.split(separator: "\n")
                    .filter { $0.contains(Self.ourFilter) && $0.contains(" rstwho_") }
                    .compactMap { line in
                        let words = line.split(separator: " ")
                        return words.firstIndex(of: "id").map { words[$0 + 1] }
                    }
            }
        }
    }

    private func addForeignFilter(_ router: Namespace) throws {
        try router.require(["tc", "qdisc", "add", "dev", Topology.clientSide, "clsact"])
        try router.require([
            "tc", "filter", "add", "dev", Topology.clientSide, "ingress", "bpf", "bytecode", "1,6 0 0 4294967295",
        ])
        #expect(try hasForeignFilter(router))
    }

    private func hasForeignFilter(_ router: Namespace) throws -> Bool {
        try router.run(["tc", "filter", "show", "dev", Topology.clientSide, "ingress"]).standardOutput
            .contains("bytecode")
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
