// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Glibc
import Reporting
import Synchronization
import Testing

@Suite struct FindingStreamTests {
    /// Waits for a condition that another thread brings about.
    private func eventually(_ condition: () -> Bool) async throws -> Bool {
        let begun = ContinuousClock.now
        while begun.duration(to: .now) < .seconds(30) {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(2))
        }
        return false
    }

    @Test func findingsComeAsTheyAreToldAndTheStreamEndsWithTheCapture() async throws {
        try await TestServer.run { server async throws in
            let address = server.address
            async let received = BlockingThread.run(named: "client") { () throws -> [String] in
                var connection = try AgentConnection(address, timeout: 5)
                guard try connection.get("/api/v1/stream", host: "localhost") == 200 else { return [] }
                var lines: [String] = []
                while let line = try connection.line() { lines.append(line) }
                return lines
            }
            #expect(try await eventually { server.state.readerCount == 1 })
            server.state.record([finding(1)], Engine.Statistics())
            server.state.record([finding(2), finding(1, revision: 1)], Engine.Statistics())
            server.state.end()
            let lines = try await received
            #expect(lines.first == ": rstwho \(AgentVersion.number)")
            #expect(lines.filter { $0.hasPrefix("id: ") } == [1, 2, 1].map { "id: \(findingID($0))" })
            let data = lines.filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
            #expect(data.compactMap { JSONLines.decode($0)?.revision } == [0, 0, 1])
            #expect(lines.filter { $0 == "event: finding" }.count == 3)
        }
    }

    @Test func sinceBringsWhatCameBeforeOldestFirst() async throws {
        try await TestServer.run { server async throws in
            server.state.record((0..<4).map { finding($0) }, Engine.Statistics())
            let address = server.address
            let state = server.state
            let first = try await BlockingThread.run(named: "client") { () throws -> [String] in
                var connection = try AgentConnection(address, timeout: 5)
                _ = try connection.get("/api/v1/stream?since=\(findingID(1))&dst_port=3", host: "localhost")
                state.record([finding(9), finding(3, revision: 1)], Engine.Statistics())
                state.end()
                var lines: [String] = []
                while let line = try connection.line() { lines.append(line) }
                return lines.filter { $0.hasPrefix("id: ") }
            }
            #expect(first == [3, 3].map { "id: \(findingID($0))" })
        }
    }

    @Test func aClientThatGoesIsForgotten() async throws {
        try await TestServer.run { server async throws in
            let address = server.address
            let state = server.state
            try await BlockingThread.run(named: "client") {
                var connection = try AgentConnection(address, timeout: 5)
                _ = try connection.get("/api/v1/stream", host: "localhost")
                #expect(state.readerCount == 1)
            }
            #expect(try await eventually { state.readerCount == 0 })
        }
    }

    @Test func aSlowClientIsCutOffAndHoldsNobodyUp() async throws {
        try await TestServer.run { server async throws in
            let address = server.address
            let state = server.state
            let slow = try await BlockingThread.run(named: "client") {
                let client = try RawClient(address, receiveBuffer: 4096)
                try client.send("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return client
            }
            #expect(try await eventually { state.readerCount == 1 })
            var longest = Duration.zero
            var batches = 0
            while state.readerCount > 0, batches < 2000 {
                let findings = (0..<100).map { finding(batches * 100 + $0) }
                let begun = ContinuousClock.now
                state.record(findings, Engine.Statistics())
                longest = max(longest, begun.duration(to: .now))
                batches += 1
            }
            #expect(state.readerCount == 0)
            #expect(batches < 2000)
            #expect(longest < .seconds(1))
            let isEnded = try await BlockingThread.run(named: "client") {
                _ = slow.readToEnd()
                return slow.isEnded()
            }
            #expect(isEnded)
        }
    }

    @Test func streamsAreBounded() async throws {
        try await TestServer.run { server async throws in
            let address = server.address
            let state = server.state
            let statuses = try await BlockingThread.run(named: "client") { () throws -> [Int] in
                var clients: [RawClient] = []
                for _ in 0..<AgentState.maximumReaders {
                    let client = try RawClient(address)
                    try client.send("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    _ = client.read()
                    clients.append(client)
                }
                var next = try AgentConnection(address, timeout: 5)
                let refused = try next.get("/api/v1/stream", host: "localhost")
                clients.removeAll()
                for _ in 0..<500 where state.readerCount > 0 { usleep(10_000) }
                var again = try AgentConnection(address, timeout: 5)
                return [refused, try again.get("/api/v1/stream", host: "localhost")]
            }
            #expect(statuses == [503, 200])
        }
    }

    @Test func anotherAgentIsFoundAndFollowed() async throws {
        try await TestServer.run { server async throws in
            let address = server.address
            let state = server.state
            let (agent, seen) = try await BlockingThread.run(named: "client") {
                () throws -> (RunningAgent?, [Finding]) in
                // It has a second to answer, which a busy machine does not always give.
                let agent = (0..<20).lazy.compactMap { _ in RunningAgent.find(at: address) }.first
                var seen: [Finding] = []
                try agent?.follow(stop: FollowStop()) {
                    state.record([finding(1), finding(2)], Engine.Statistics())
                } _: { line, finding in
                    #expect(line.hasSuffix("}\n"))
                    seen.append(finding)
                    return seen.count < 2
                }
                return (agent, seen)
            }
            #expect(agent?.interfaces == ["eth0"])
            #expect(seen.map(\.id) == [1, 2].map(findingID))
        }
    }

    @Test func whereNobodyListensNoAgentIsFound() {
        // Port 1 of loopback: nothing listens there on a machine where tests run.
        #expect(RunningAgent.find(at: .tcp(host: "127.0.0.1", port: 1)) == nil)
        #expect(RunningAgent.find(at: .unixSocket(path: "/nonexistent/socket")) == nil)
    }
}
