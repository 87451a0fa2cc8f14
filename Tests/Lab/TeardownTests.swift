// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The lab leaves nothing behind, whatever happens in it.
@Suite("Lab teardown", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct TeardownTests {
    @Test("A test that throws leaves neither namespaces nor processes nor files")
    func thrown() throws {
        var made: [String] = []
        var directory: URL?
        var pid: pid_t = 0
        #expect(throws: LabError.self) {
            try Topology.with { topology in
                made = [topology.client.name, topology.firewall.name, topology.server.name]
                directory = topology.scratch.directory
                let listener = try topology.server.listen(on: 80)
                pid = listener.pid
                #expect(Set(made).isSubset(of: Namespace.names()))
                throw LabError("a test gives up")
            }
        }
        #expect(made.count == 3)
        #expect(Set(made).isDisjoint(with: Namespace.names()))
        #expect(!FileManager.default.fileExists(atPath: try #require(directory).path))
        #expect(pid > 0)
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
    }

    @Test("What a dead run left is removed, what a living one uses is not")
    func leftovers() throws {
        let scratch = try Scratch()
        let dead = try ChildProcess(["true"], standardOutput: scratch.file("out"), standardError: scratch.file("err"))
        #expect(try dead.wait(timeout: 5) == 0)
        let left = "rstwho-lab-\(dead.pid)-1-client"
        try Namespace.host(["ip", "netns", "add", left])
        let orphan = try ChildProcess(
            ["ip", "netns", "exec", left, "sleep", "60"],
            standardOutput: scratch.file("out"), standardError: scratch.file("err"))
        // `ip netns exec` has entered the namespace once its process is listed there.
        let entered = try waited(atMost: 5) {
            try Namespace.host(["ip", "netns", "pids", left]).contains("\(orphan.pid)") ? true : nil
        }
        #expect(entered == true)
        let living = try Namespace("client", scratch: scratch, ipv6: false)

        try Namespace.removeLeftovers()

        #expect(!Namespace.names().contains(left))
        #expect(try orphan.wait(timeout: 5) == 128 + SIGKILL)
        #expect(Namespace.names().contains(living.name))
    }
}
