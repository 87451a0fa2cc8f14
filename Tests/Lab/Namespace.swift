// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// A network namespace: one machine of the lab.
///
/// Deleted when the last reference goes, with everything in it.
final class Namespace {
    /// The output and the exit status of a program.
    struct Output {
        let status: Int32
        let standardOutput: String
        let standardError: String
    }

    let name: String
    let role: String
    let scratch: Scratch

    /// Makes the namespace with its loopback up.
    ///
    /// `role` is the machine's name in the topology.
    init(_ role: String, scratch: Scratch, ipv6: Bool) throws {
        self.role = role
        self.scratch = scratch
        name = "\(Scratch.uniqueName())-\(role)"
        try Self.host(["ip", "netns", "add", name])
        do {
            try set("net.ipv6.conf.all.disable_ipv6", to: ipv6 ? "0" : "1")
            try set("net.ipv6.conf.default.disable_ipv6", to: ipv6 ? "0" : "1")
            if ipv6 {
                // No packets but those that a test sends: neither duplicate detection nor router solicitations.
                try set("net.ipv6.conf.default.accept_dad", to: "0")
                try set("net.ipv6.conf.default.router_solicitations", to: "0")
            }
            try link(["set", "lo", "up"])
        } catch {
            Self.delete(name)
            throw error
        }
    }

    deinit {
        Self.delete(name)
    }

    /// Runs a program in the namespace to its end.
    ///
    /// Throws `LabError` if it cannot be started or takes longer than `timeout` seconds; how it ended is the caller's.
    @discardableResult
    func run(_ arguments: [String], timeout: Double = 15) throws -> Output {
        let child = try start(arguments)
        let status = try child.wait(timeout: timeout)
        return Output(
            status: status,
            standardOutput: String(decoding: try Data(contentsOf: child.standardOutput), as: UTF8.self),
            standardError: String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self))
    }

    /// Runs a program that has to succeed.
    func require(_ arguments: [String], timeout: Double = 15) throws {
        let output = try run(arguments, timeout: timeout)
        guard output.status == 0 else {
            throw LabError("\(role): \(arguments.joined(separator: " ")): \(output.standardError)")
        }
    }

    /// Starts a program in the namespace.
    func start(_ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(
            ["ip", "netns", "exec", name] + arguments,
            standardOutput: scratch.file("\(role).out"), standardError: scratch.file("\(role).err"))
    }

    /// Starts a server that accepts TCP connections on a port, over IPv6 where the lab has it, and returns once it
    /// does.
    func listen(on port: Int) throws -> ChildProcess {
        let family =
            try run(["sysctl", "-n", "net.ipv6.conf.all.disable_ipv6"]).standardOutput.hasPrefix("1") ? "-4" : "-6"
        let child = try start(["nc", "-n", family, "-l", "-k", "-v", "\(port)"])
        try child.waitForStandardError("Listening on", timeout: 5)
        return child
    }

    /// Sets a kernel parameter, in `sysctl`'s spelling.
    func set(_ parameter: String, to value: String) throws {
        try require(["sysctl", "-q", "-w", "\(parameter)=\(value)"])
    }

    /// Loads a set of rules in nftables' language.
    func loadRules(_ rules: String) throws {
        let file = scratch.file("rules.nft")
        try Data(rules.utf8).write(to: file)
        try require(["nft", "-f", file.path])
    }

    /// Connects an interface of this namespace with one of another.
    func connect(_ interface: String, to other: Namespace, _ otherInterface: String) throws {
        try Self.host([
            "ip", "link", "add", interface, "netns", name,
            "type", "veth", "peer", "name", otherInterface, "netns", other.name,
        ])
        for (end, interface) in [(self, interface), (other, otherInterface)] {
            // Checksums are written and segments cut before a packet leaves, as on a wire.
            try end.require(["ethtool", "-K", interface, "tx", "off", "gro", "off"])
            try end.link(["set", interface, "up"])
        }
    }

    func address(_ address: String, on interface: String) throws {
        let flags = address.contains(":") ? ["nodad"] : []
        try Self.host(["ip", "-n", name, "address", "add", address, "dev", interface] + flags)
    }

    func route(_ destination: String, via gateway: String) throws {
        let family = gateway.contains(":") ? "-6" : "-4"
        try Self.host(["ip", family, "-n", name, "route", "add", destination, "via", gateway])
    }

    private func link(_ arguments: [String]) throws {
        try Self.host(["ip", "-n", name, "link"] + arguments)
    }

    // MARK: - Outside any namespace

    /// Deletes namespaces that runs which no longer exist have left, and ends what still runs in them.
    static func removeLeftovers() throws {
        for name in names() {
            let parts = name.split(separator: "-")
            guard parts.count > 3, parts[0] == "rstwho", parts[1] == "lab" || parts[1] == "demo",
                let owner = pid_t(parts[2])
            else {
                continue
            }
            if kill(owner, 0) == -1 && errno == ESRCH {
                for pid in try host(["ip", "netns", "pids", name]).split(whereSeparator: \.isWhitespace) {
                    if let pid = pid_t(pid) {
                        kill(pid, SIGKILL)
                    }
                }
                delete(name)
            }
        }
    }

    /// Every named network namespace of this machine.
    static func names() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
    }

    private static func delete(_ name: String) {
        _ = try? host(["ip", "netns", "delete", name])
    }

    /// Runs a program that has to succeed outside any namespace, and returns what it printed.
    @discardableResult
    static func host(_ arguments: [String], timeout: Double = 15) throws -> String {
        let scratch = try Scratch()
        let child = try ChildProcess(
            arguments, standardOutput: scratch.file("out"), standardError: scratch.file("err"))
        let status = try child.wait(timeout: timeout)
        guard status == 0 else {
            let message = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
            throw LabError("\(arguments.joined(separator: " ")): \(message)")
        }
        return String(decoding: try Data(contentsOf: child.standardOutput), as: UTF8.self)
    }
}
