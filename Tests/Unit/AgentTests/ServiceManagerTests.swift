// SPDX-License-Identifier: Apache-2.0
import Agent
import Glibc
import Testing

@Suite("The service manager is told")
struct ServiceManagerTests {
    /// A datagram socket as a service manager has one, in the abstract namespace.
    private struct Listener: ~Copyable {
        let name: String
        private let socket: Int32

        init() throws {
            name = "@rstwho-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = [0] + Array(name.utf8.dropFirst())
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
            let socket = socket
            let failed = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
            }
            try #require(failed == 0)
        }

        deinit { close(socket) }

        /// The next message; `nil` where there is none.
        func next() -> String? {
            var bytes = [UInt8](repeating: 0, count: 512)
            let count = recv(socket, &bytes, bytes.count, 0)
            return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }

    @Test("that it is ready, alive and ending, each when it is true")
    func messages() throws {
        let listener = try Listener()
        let manager = try #require(
            ServiceManager(environment: ["NOTIFY_SOCKET": listener.name, "WATCHDOG_USEC": "60000000"]))
        #expect(listener.next() == nil)
        manager.ready(status: "watching eth0\nREADY=0")
        #expect(listener.next() == "READY=1\nSTATUS=watching eth0 READY=0")
        manager.beat()
        #expect(listener.next() == "WATCHDOG=1")
        // Half a minute has not gone by.
        manager.beat()
        #expect(listener.next() == nil)
        manager.stopping()
        #expect(listener.next() == "STOPPING=1")
    }

    @Test("no sign of life where none is wanted, or another process is meant", arguments: [nil, "0", "x", "1"])
    func noWatchdog(period: String?) throws {
        let listener = try Listener()
        var environment = ["NOTIFY_SOCKET": listener.name]
        environment["WATCHDOG_USEC"] = period
        if period == "1" { environment["WATCHDOG_PID"] = "1" }
        let manager = try #require(ServiceManager(environment: environment))
        manager.beat()
        #expect(listener.next() == nil)
        manager.stopping()
        #expect(listener.next() != nil)
    }

    @Test(
        "nothing where there is no manager", arguments: [nil, "", "@", "relative", String(repeating: "/x", count: 60)])
    func noManager(path: String?) {
        var environment: [String: String] = [:]
        environment["NOTIFY_SOCKET"] = path
        #expect(ServiceManager(environment: environment) == nil)
    }

    @Test("a manager that has gone does no harm")
    func gone() throws {
        let manager = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": "/nonexistent/notify"]))
        manager.ready(status: "")
        manager.stopping()
    }
}
