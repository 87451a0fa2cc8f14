// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Reporting
import Testing

@testable import Agent

@Suite("Queries for findings")
struct FindingQueryTests {
    private func ids(_ answer: Answer) -> [String] {
        answer.body.split(separator: "\"id\":\"").dropFirst().map { String($0.prefix(26)) }
    }

    @Test func whatACommandAsksTheAgentUnderstands() async throws {
        try await TestServer.run { server async throws in
            server.state.record((0..<7).map { finding($0) }, Engine.Statistics())
            func asked(_ change: (inout FindingQuery) -> Void) async throws -> [String] {
                var query = FindingQuery()
                change(&query)
                let answer = try await server.get("/api/v1/resets?\(query.parameters)")
                #expect(answer.status == 200)
                let mine = (0..<7).map { finding($0) }.filter(query.matches).map(\.id)
                #expect(Set(ids(answer)) == Set(mine))
                return ids(answer)
            }
            #expect(try await asked { $0.port = 5 } == [findingID(5)])
            #expect(try await asked { $0.port = 22 }.count == 7)
            #expect(try await asked { $0.address = IPAddress("10.1.0.1") }.count == 7)
            #expect(try await asked { $0.address = IPAddress("10.1.0.2") }.isEmpty)
            #expect(try await asked { $0.prefix = .init("10.4.0.0/16") }.count == 7)
            #expect(try await asked { $0.prefix = .init("10.5.0.0/16") }.isEmpty)
            let start: UInt64 = 1_700_000_000_000_000_000
            #expect(
                try await asked {
                    ($0.sinceTime, $0.untilTime) = (start + 1_000_000_000, start + 3_000_000_000)
                } == [findingID(3), findingID(2)])
            #expect(
                try await asked {
                    ($0.sender, $0.cause, $0.stage, $0.interface) = (.middlebox, "rejected", .syn, "eth0")
                }.count == 7)
            #expect(try await asked { $0.interface = "eth0&limit=1" }.isEmpty)
        }
    }

    @Test(arguments: ["prefix=10.4.0.2", "port=65536", "until=yesterday", "address=here"])
    func whatNobodyUnderstandsIsRefused(query: String) async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.get("/api/v1/resets?\(query)")
            #expect(answer.status == 400)
            #expect(answer.body.contains("\"parameter\":\"\(query.prefix { $0 != "=" })\""))
        }
    }

    @Test func hostsAreChosenByPrefix() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.get("/api/v1/hosts?prefix=10.4.0.2").status == 400)
        }
    }
}
