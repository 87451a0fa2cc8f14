// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// Tests of a running agent's capabilities, read from the kernel thread by thread.
@Suite("Lab, privileges", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct PrivilegeTests {
    /// CAP_NET_ADMIN, CAP_PERFMON and CAP_BPF.
    private static let loading: UInt64 = 1 << 12 | 1 << 38 | 1 << 39
    private static let netAdmin: UInt64 = 1 << 12

    /// One thread's sets, and whether it may get more by starting a program.
    private struct Sets: Equatable {
        var effective: UInt64
        var permitted: UInt64
        var inheritable: UInt64
        var ambient: UInt64
        var bounding: UInt64
        var hasNoNewPrivileges: Bool

        init(all: UInt64, hasNoNewPrivileges: Bool = true) {
            (effective, permitted, inheritable, ambient, bounding) = (all, all, all, all, all)
            self.hasNoNewPrivileges = hasNoNewPrivileges
        }

        init(status: String) throws {
            func field(_ name: String) throws -> String {
                let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
                return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
            }
            func mask(_ name: String) throws -> UInt64 { try #require(UInt64(try field(name), radix: 16)) }
            self.init(all: try mask("CapEff"), hasNoNewPrivileges: try field("NoNewPrivs") == "1")
            permitted = try mask("CapPrm")
            inheritable = try mask("CapInh")
            ambient = try mask("CapAmb")
            bounding = try mask("CapBnd")
        }
    }

    /// Of every thread of a process.
    ///
    /// A thread that ends meanwhile is left out.
    private func threads(of process: pid_t) throws -> [Sets] {
        let directory = "/proc/\(process)/task"
        return try FileManager.default.contentsOfDirectory(atPath: directory).compactMap { thread in
            guard let status = try? String(contentsOfFile: "\(directory)/\(thread)/status", encoding: .utf8) else {
                return nil
            }
            return try Sets(status: status)
        }
    }

    /// The process that a watcher has started to ask the kernel.
    private func helper(of watcher: Watcher) throws -> pid_t? {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.first { process in
            let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
            return status.contains("\nPPid:\t\(watcher.pid)\n")
        }
    }

    private func isWatching(_ watcher: Watcher, _ topology: Topology) throws {
        // Longer than a lease holds.
        usleep(3_000_000)
        let before = try watcher.restingLedger().total.accounted
        try topology.ssh(Topology.serverAddress)
        #expect(try watcher.wait(atMost: 8) { $0.resets(from: 22).first }?.sender == "middlebox")
        #expect(try watcher.restingLedger().total.accounted > before)
    }

    @Test(
        "With named interfaces all threads end up with nothing, and everything works", arguments: Watcher.Hook.allCases)
    func given(hook: Watcher.Hook) throws {
        try Topology.with { topology in
            let watcher = try Watcher(
                in: topology.nearRouter, interfaces: [Topology.clientSide, Topology.serverSide], hook: hook, http: true)
            let threads = try threads(of: watcher.pid)
            #expect(threads.count > 3)
            #expect(threads.allSatisfy { $0 == Sets(all: 0) }, "\(threads)")
            let helper = try #require(try helper(of: watcher))
            #expect(try self.threads(of: helper).allSatisfy { $0 == Sets(all: Self.netAdmin) })
            #expect(
                try watcher.standardError.contains(
                    "privileges: all are given up; process \(helper) keeps CAP_NET_ADMIN"))
            try topology.ping(Topology.serverAddress)
            try isWatching(watcher, topology)
            // What came later has no more either.
            #expect(try self.threads(of: watcher.pid).allSatisfy { $0 == Sets(all: 0) })
            _ = try watcher.stop()
            #expect(waited(atMost: 5) { kill(helper, 0) != 0 ? true : nil } == true)
        }
    }

    @Test("What a pattern or a missing interface takes is kept, and nothing else", arguments: ["eth*", "wan0"])
    func kept(name: String) throws {
        try Topology.with { topology in
            let file = topology.scratch.file("rstwho.yaml")
            try Data("interfaces: [\(Topology.clientSide), \"\(name)\"]\n".utf8).write(to: file)
            let watcher = try Watcher(
                in: topology.nearRouter, interfaces: [], hook: .tc, http: true, options: ["--config", file.path])
            #expect(try threads(of: watcher.pid).allSatisfy { $0 == Sets(all: Self.loading) })
            #expect(try helper(of: watcher) == nil)
            let told = try watcher.standardError
            #expect(told.contains("CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON kept, as \(name) "), "\(told)")
            // It needs them for this.
            try topology.nearRouter.require(["ip", "link", "add", "wan0", "type", "veth", "peer", "name", "ethx"])
            let isWatched = try waited(atMost: 5) { () -> Bool? in
                try watcher.standardError.contains(": watched from now on") ? true : nil
            }
            #expect(isWatched == true)
            _ = try watcher.stop()
        }
    }

    @Test("All are kept where that is asked for")
    func asked() throws {
        try Topology.with { topology in
            let before = try Sets(status: String(contentsOfFile: "/proc/self/status", encoding: .utf8))
            let watcher = try Watcher(
                in: topology.client, interfaces: [Topology.clientSide], hook: .tc, options: ["--privileges", "keep"])
            // What it keeps it cannot add to: confinement takes no_new_privs.
            #expect(
                try threads(of: watcher.pid).allSatisfy { $0.effective == before.effective && $0.hasNoNewPrivileges })
            _ = try watcher.stop()
        }
    }

    @Test("Afterwards an interface that comes back is watched again, and one that is new needs a restart")
    func later() throws {
        try Topology.with { topology in
            let router = topology.nearRouter
            let add = ["ip", "link", "add", "wan0", "type", "veth", "peer", "name", "wan1"]
            try router.require(add)
            let names = "\(Topology.clientSide), \(Topology.serverSide)"
            let file = topology.scratch.file("rstwho.yaml")
            try Data("interfaces: [\(names), wan0]\n".utf8).write(to: file)
            let watcher = try Watcher(
                in: router, interfaces: [], hook: .tc, http: true, options: ["--config", file.path])
            func isTold(_ text: String) throws {
                let isTold = try waited(atMost: 8) { try watcher.standardError.contains(text) ? true : nil } ?? false
                let told = try watcher.standardError
                #expect(isTold, "\(text) is not in \(told)")
            }
            #expect(try threads(of: watcher.pid).allSatisfy { $0 == Sets(all: 0) })
            try router.require(["ip", "link", "delete", "wan0"])
            try isTold("wan0: the interface has gone; it is watched again if it comes back")
            try router.require(add)
            try isTold("wan0: watched from now on")

            try Data("interfaces: [\(names), wan0, wan1, \"tun*\"]\n".utf8).write(to: file)
            #expect(kill(watcher.pid, SIGHUP) == 0)
            let restart =
                "Privileges were given up once all was attached: restart the service, or set capture.privileges to keep"
            try isTold("wan1: not watched: ")
            try isTold("tun*: no interface matches yet. \(restart)")
            let told = try watcher.standardError
            #expect(
                told.split(separator: "\n").contains { $0.contains("wan1: not watched: ") && $0.hasSuffix(restart) },
                "\(told)")
            try topology.ping(Topology.serverAddress)
            try topology.ssh(Topology.serverAddress)
            #expect(try watcher.wait(atMost: 8) { $0.resets(from: 22).first }?.sender == "middlebox")
            _ = try watcher.stop()
        }
    }
}
