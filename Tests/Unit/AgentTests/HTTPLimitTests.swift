// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Glibc
import Testing

@testable import Agent

@Suite struct HTTPLimitTests {
    @Test func aConnectionThatSaysNothingIsClosed() async throws {
        try await TestServer.run(options: { $0.idleTimeout = 1 }) { server async throws in
            let address = server.address
            let ended = try await BlockingThread.run(named: "client") {
                let silent = try RawClient(address)
                let half = try RawClient(address)
                try half.send("GET /metrics HTTP/1.1\r\nHost: loc")
                return (silent.isEnded(), half.isEnded())
            }
            #expect(ended == (true, true))
        }
    }

    @Test func connectionsAreBounded() async throws {
        try await TestServer.run(options: {
            ($0.maximumConnections, $0.reservedConnections, $0.headerTimeout) = (2, 0, 60)
        }) { server async throws in
            let address = server.address
            let (isHeldUp, isAnswered) = try await BlockingThread.run(named: "client") {
                // Connections that come at the same moment are accepted together; these two are in once answered.
                var idle: [RawClient] = try (0..<2).map { _ in
                    let client = try RawClient(address)
                    try client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    _ = client.read()
                    return client
                }
                let third = try RawClient(address)
                try third.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                third.setTimeout(seconds: 1)
                let isHeldUp = third.read() == nil
                idle.removeAll()
                third.setTimeout(seconds: 5)
                return (isHeldUp, third.read() != nil)
            }
            #expect(isHeldUp)
            #expect(isAnswered)
        }
    }

    @Test func whoLeavesAnAnswerUnreadIsCutOff() async throws {
        try await TestServer.run(options: { $0.writeTimeout = 1 }) { server async throws in
            for start in stride(from: 0, to: 10_000, by: 1000) {
                server.state.record((start..<(start + 1000)).map { finding($0) }, Engine.Statistics())
            }
            let address = server.address
            let request = "GET /api/v1/resets?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let patient = try await server.send(
                request.replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n"))
            // Twenty answers in a row, none of which is read until the server has lost patience.
            let unread = try await BlockingThread.run(named: "client") {
                let client = try RawClient(address, receiveBuffer: 4096)
                try client.send(String(repeating: request, count: 20))
                // The server waits one second. While answers are unread nothing tells the client that it has gone.
                _ = sleep(4)
                return client.readToEnd().count
            }
            #expect(patient.body.utf8.count > 300_000)
            #expect(unread < patient.body.utf8.count * 20)
        }
    }

    @Test("A header that comes drop by drop is cut off at its deadline, however steady the drops")
    func slowHeader() async throws {
        try await TestServer.run(options: { $0.headerTimeout = 1 }) { server async throws in
            let address = server.address
            let (first, second) = try await BlockingThread.run(named: "client") {
                func drips(_ client: RawClient) -> Bool {
                    for _ in 0..<200 {
                        guard (try? client.send("G")) != nil, !client.isClosedByServer(within: 0) else { return true }
                        usleep(50_000)
                    }
                    return false
                }
                let kept = try RawClient(address)
                try kept.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = kept.read()
                return (drips(try RawClient(address)), drips(kept))
            }
            #expect(first)
            #expect(second)
            // Whoever is quick is answered.
            #expect(try await server.get("/healthz").status == 200)
        }
    }

    @Test("An answer to HTTP/1.0 ends the connection, one to HTTP/1.1 does not")
    func oldVersion() async throws {
        try await TestServer.run { server async throws in
            let old = try await server.send(
                "GET /healthz HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")
            #expect(old.status == 200)
            let address = server.address
            let isOpen = try await BlockingThread.run(named: "client") {
                let client = try RawClient(address)
                try client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = client.read()
                return !client.isClosedByServer(within: 1)
            }
            #expect(isOpen)
        }
    }

    @Test("Two Host lines are refused, one is not")
    func twoHosts() async throws {
        try await TestServer.run { server async throws in
            let two = try await server.get("/healthz", headers: "Host: localhost\r\n")
            #expect(two.status == 400)
            #expect(two.body.contains("one Host line"))
            #expect(try await server.get("/healthz").status == 200)
        }
    }

    @Test("A peer has its share, and all together have theirs")
    func shares() {
        let limits = ConnectionLimits(maximum: 5, perPeer: 2)
        #expect((0..<3).map { _ in limits.open("192.0.2.1") } == [true, true, false])
        #expect((0..<2).map { _ in limits.open("192.0.2.2") } == [true, true])
        #expect((0..<2).map { limits.open("192.0.2.\(3 + $0)") } == [true, false])
        limits.close("192.0.2.1")
        #expect(limits.open("192.0.2.5"))
        limits.close("192.0.2.5")
        #expect(limits.open("192.0.2.1"))
    }
}
