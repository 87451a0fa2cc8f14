// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Glibc
import Testing

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
        try await TestServer.run(options: { $0.maximumConnections = 2 }) { server async throws in
            let address = server.address
            let (isHeldUp, isAnswered) = try await BlockingThread.run(named: "client") {
                var idle: [RawClient] = try (0..<2).map { _ in try RawClient(address) }
                // Connections that come at the same moment are accepted together; these two are to be in already.
                usleep(300_000)
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
                _ = sleep(4)
                return client.readToEnd().count
            }
            #expect(patient.body.utf8.count > 300_000)
            #expect(unread < patient.body.utf8.count * 20)
        }
    }
}
