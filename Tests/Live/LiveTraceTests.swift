// SPDX-License-Identifier: Apache-2.0
import Capture
import Glibc
import Packets
import Synchronization
import Testing

/// Tests of the kernel's events about its own resets, with sockets on the loopback of a namespace.
@Suite(.serialized, .enabled(if: LiveRequirements.areMet, LiveRequirements.reason))
struct LiveTraceTests {
    private static let hasBTF = access("/sys/kernel/btf/vmlinux", R_OK) == 0
    private static let needsBTF: Comment = "needs a kernel with BTF (/sys/kernel/btf/vmlinux)"

    /// A TCP socket on 127.0.0.1 that is closed when it goes.
    private struct Socket: ~Copyable {
        let descriptor: Int32

        init(descriptor: Int32) throws {
            guard descriptor >= 0 else { throw LiveError("no socket: error \(errno)") }
            self.descriptor = descriptor
        }

        init() throws {
            try self.init(descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        }

        deinit { close(descriptor) }

        private static func with<Result>(
            port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
        ) -> Result {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }

        func listens(on port: UInt16) throws {
            guard Self.with(port: port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else {
                throw LiveError("cannot listen: error \(errno)")
            }
        }

        func connects(to port: UInt16) -> Bool { Self.with(port: port) { connect(descriptor, $0, $1) } == 0 }

        func accepts() throws -> Socket { try Socket(descriptor: accept(descriptor, nil, nil)) }

        func abortsAtClose() {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        }
    }

    private static func capture() throws -> CaptureRun {
        try command("ip link set lo up")
        try makePair("near", "far")
        return try CaptureRun(AttachWay.tcx.options(["near"]))
    }

    @Test("A closed port and an aborted socket are told, with their five-tuples", .enabled(if: hasBTF, needsBTF))
    func told() async throws {
        try await inNamespace {
            let run = try Self.capture()
            let givesReasons = run.capture.resetTracing == .complete
            #expect(run.capture.resetTracing == .complete || run.capture.resetTracing == .incomplete)
            try Self.refuseAndAbort()
            #expect(run.waits { $0.traces.count == (givesReasons ? 2 : 1) })
            _ = run.stop()
            let closed = run.traces.first { $0.fiveTuple.sourcePort == 9 }
            #expect((closed != nil) == givesReasons)
            if let closed {
                #expect(closed.reason == "NO_SOCKET")
                #expect(!closed.isActive)
                #expect(!closed.hasSocket)
                #expect(closed.process == nil)
                #expect(closed.ack != nil)
                #expect(closed.seq == 0)
                #expect(closed.fiveTuple.source == IPAddress(v4: 0x7f00_0001))
                #expect(closed.fiveTuple.destination == IPAddress(v4: 0x7f00_0001))
            }
            let aborted = try #require(run.traces.first { $0.fiveTuple.sourcePort == 7 })
            #expect(aborted.isActive)
            #expect(aborted.hasSocket)
            #expect(aborted.process?.id == UInt32(getpid()))
            #expect(aborted.process?.name.isEmpty == false)
            // 6.10 to 6.12 had no name for it yet.
            let reasons: [String?] = givesReasons ? ["TCP_STATE", "NOT_SPECIFIED"] : [nil]
            #expect(reasons.contains(aborted.reason))
            #expect(run.watermark > aborted.time && run.watermark - aborted.time < 10_000_000_000)
        }
    }

    /// Port 9 is closed; the server on port 7 closes with SO_LINGER 0.
    private static func refuseAndAbort() throws {
        let refused = try Socket()
        let isRefused = !refused.connects(to: 9)
        #expect(isRefused)
        let listener = try Socket()
        try listener.listens(on: 7)
        let client = try Socket()
        let isConnected = client.connects(to: 7)
        try #require(isConnected)
        let accepted = try listener.accepts()
        accepted.abortsAtClose()
    }

    @Test("Another network namespace's resets are not told", .enabled(if: hasBTF, needsBTF))
    func namespaces() async throws {
        let kept = Mutex<CaptureRun?>(nil)
        try await inNamespace {
            let run = try Self.capture()
            kept.withLock { $0 = run }
        }
        let run = try #require(kept.withLock { $0 })
        try await inNamespace {
            try command("ip link set lo up")
            try Self.refuseAndAbort()
        }
        let watermark = run.watermark
        #expect(run.waits { $0.watermark > watermark + 100_000_000 })
        _ = run.stop()
        #expect(run.traces.isEmpty)
    }

    @Test("A mirror port tells of no resets of its own")
    func tap() async throws {
        try await inNamespace {
            try makePair("near", "far")
            var options = LiveCapture.Options(interfaces: ["near"])
            options.isTap = true
            let capture = try LiveCapture(options)
            guard case .unavailable = capture.resetTracing else {
                Issue.record("\(capture.resetTracing)")
                return
            }
        }
    }
}
