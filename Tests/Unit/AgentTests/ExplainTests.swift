// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Explanation
import Glibc
import Packets
import Reporting
import Synchronization
import Testing

@testable import Agent

@Suite("Explanations by HTTP")
struct ExplainTests {
    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    /// The engine's answers need a capture that gives them; these do not come that far.
    @Test(arguments: [
        "", "?what=", "?what=nonsense", "?what=10.4.0.0/16", "?what=10.4.0.2&extra=1", "?address=10.4.0.2",
        "?what=10.0.0.1%2010.0.0.2%2010.0.0.3",
    ])
    func whatAsksNothingIsRefused(query: String) async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.get("/api/v1/explain\(query)")
            #expect(answer.status == 400)
            #expect(answer.head.contains("application/problem+json"))
        }
    }

    @Test func whatIsNotKnownIsNotFound() async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.get("/api/v1/explain?what=\(findingID(7))")
            #expect(answer.status == 404)
            #expect(answer.body.contains("\"parameter\":\"what\""))
        }
    }

    @Test func theWholeStoryIsTold() async throws {
        try await TestServer.run { server async throws in
            server.state.record([finding(1), finding(50992)], Engine.Statistics())
            let isDone = Flag()
            let answering = Task {
                try await BlockingThread.run(named: "engine") {
                    var engine = Engine()
                    while !isDone.value.load(ordering: .acquiring) {
                        server.state.engineRequests.answer(&engine)
                        usleep(1000)
                    }
                }
            }
            defer { isDone.value.store(true, ordering: .releasing) }
            for what in [
                "10.1.0.1:50992 > 10.4.0.2:22", findingID(50992), "src=10.1.0.1 dst=10.4.0.2 sport=50992 dport=22",
            ] {
                let answer = try await server.get("/api/v1/explain?what=\(URLText.escaped(what))")
                #expect(answer.status == 200)
                let knowledge = try #require(Knowledge(decoding: Array(answer.body.utf8)))
                let explanation = Explanation(try Question(parsing: what), knowledge)
                #expect(explanation.lead?.id == findingID(50992))
                #expect(answer.body.contains("\"answer\":\"\(explanation.answer)\""))
                #expect(explanation.answer.hasPrefix("A device at hop 2 sent this reset"))
            }
            let ends = "2001:db8:1111:2222:3333:4444:5555:666"
            let long =
                "src=\(ends)1 dst=\(ends)2 sport=50992 dport=50993 src=\(ends)3 dst=\(ends)4 sport=50994 dport=50995"
            #expect(try await server.get("/api/v1/explain?what=\(URLText.escaped(long))").status == 200)
            isDone.value.store(true, ordering: .releasing)
            try await answering.value
        }
    }
}
