// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Glibc
internal import Synchronization

/// The service manager that started this process, as sd_notify(3) describes its protocol: it wants to know when the
/// service is ready, and from time to time that it is alive.
///
/// What cannot be sent is not sent: the capture does not depend on it.
package final class ServiceManager: Sendable {
    private let path: String
    /// Between two signs of life, ns: half of what the manager allows.
    ///
    /// `nil` where it wants none.
    private let interval: UInt64?
    private let lastBeat = Atomic<UInt64>(0)

    /// - `environment`: the process's own, of which NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID matter.
    /// - `process`: this process's id.
    ///
    /// Returns `nil` where no manager asks.
    package init?(environment: [String: String], process: Int32 = getpid()) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@"), path.utf8.count > 1,
            path.utf8.count < Self.pathBytes
        else { return nil }
        self.path = path
        let isMeant = environment["WATCHDOG_PID"].map { $0 == String(process) } ?? true
        let period = environment["WATCHDOG_USEC"].flatMap { UInt64($0) } ?? 0
        interval = isMeant && (1...1 << 40).contains(period) ? period * 500 : nil
    }

    /// The manager that started this process; `nil` where none did.
    package static func ofThisProcess() -> ServiceManager? {
        var environment: [String: String] = [:]
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        return ServiceManager(environment: environment)
    }

    private static let pathBytes = MemoryLayout.size(ofValue: sockaddr_un().sun_path)

    /// The service does what it is for; `status` is shown to people.
    package func ready(status: String) {
        // A line feed would begin another assignment.
        send("READY=1\nSTATUS=\(status.split(whereSeparator: \.isNewline).joined(separator: " "))")
    }

    /// The service does what it is for, still.
    package func ready() { send("READY=1") }

    /// Reports a new status text for people.
    package func status(_ text: String) {
        send("STATUS=\(text.split(whereSeparator: \.isNewline).joined(separator: " "))")
    }

    /// The service reads its configuration again; `ready` follows.
    package func reloading() {
        // Dispatch's uptime is CLOCK_MONOTONIC.
        send("RELOADING=1\nMONOTONIC_USEC=\(DispatchTime.now().uptimeNanoseconds / 1000)")
    }

    /// The service ends of its own accord.
    package func stopping() { send("STOPPING=1") }

    /// A sign of life from the thread that must not hang.
    ///
    /// Cheap: sends only as often as the manager wants it.
    package func beat() {
        guard let interval else { return }
        let now = DispatchTime.now().uptimeNanoseconds
        guard now &- lastBeat.load(ordering: .relaxed) >= interval else { return }
        lastBeat.store(now, ordering: .relaxed)
        send("WATCHDOG=1")
    }

    private func send(_ message: String) {
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let length = MemoryLayout<sa_family_t>.size + path.utf8.count
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: path.utf8)
            // An abstract name begins with a zero.
            if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        }
        let text = Array(message.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(
                    socket, text, text.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), address,
                    socklen_t(length))
            }
        }
    }
}
