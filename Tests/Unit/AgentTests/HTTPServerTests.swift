// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Logging
import Reporting
import Testing

@Suite struct HTTPServerTests {
    /// The ids in a list's body, in order.
    private func ids(_ answer: Answer) -> [String] {
        answer.body.split(separator: "\"id\":\"").dropFirst().map { String($0.prefix(26)) }
    }

    private func isProblem(_ answer: Answer, _ status: Int, parameter: String? = nil) -> Bool {
        answer.status == status && answer.head.contains("Content-Type: application/problem+json")
            && answer.body.contains("\"status\":\(status),")
            && (parameter == nil || answer.body.contains("\"parameter\":\"\(parameter ?? "")\""))
    }

    @Test func healthAndReadinessFollowTheCapture() async throws {
        try await TestServer.run(isCapturing: false) { server async throws in
            #expect(try await server.get("/healthz").status == 200)
            #expect(try await server.get("/readyz").status == 503)
            server.state.begin([AgentState.Interface(name: "eth1", hook: "xdp")])
            let ready = try await server.get("/readyz")
            #expect(ready.status == 200)
            #expect(ready.body.contains(#""service":"rstwho""#))
            #expect(ready.body.contains(#"{"name":"eth1","hook":"xdp","up":true}"#))
            server.state.end()
            #expect(try await server.get("/readyz").status == 503)
            #expect(try await server.get("/healthz").status == 503)
        }
    }

    @Test func metricsCountWhatWasRecorded() async throws {
        try await TestServer.run { server async throws in
            server.state.record([finding(1)], Engine.Statistics())
            server.state.record([finding(2, sender: .undetermined)], Engine.Statistics())
            server.state.record([finding(2, sender: .hostKernel, revision: 1)], Engine.Statistics())
            let answer = try await server.get("/metrics")
            #expect(answer.status == 200)
            #expect(answer.head.contains("Content-Type: text/plain; version=0.0.4"))
            #expect(answer.body.contains("rstwho_resets_total{sender=\"middlebox\",scope=\"transit\"} 1\n"))
            #expect(answer.body.contains("rstwho_resets_total{sender=\"host_kernel\",scope=\"transit\"} 0\n"))
            #expect(answer.body.contains("rstwho_resets_revised_total{from=\"undetermined\",to=\"host_kernel\"} 1\n"))
            #expect(answer.body.contains("rstwho_attach_info{interface=\"eth0\",hook=\"tc\"} 1\n"))
            #expect(!answer.body.contains("finding_id"))
            let open = try await server.get(
                "/metrics", headers: "Accept: application/openmetrics-text;version=1.0.0\r\n")
            #expect(open.head.contains("Content-Type: application/openmetrics-text; version=1.0.0"))
            #expect(open.body.contains("# {finding_id=\"\(findingID(1))\"} 1 "))
            #expect(open.body.hasSuffix("# EOF\n"))
        }
    }

    @Test func listsAreNewestFirstInPages() async throws {
        try await TestServer.run { server async throws in
            server.state.record((0..<7).map { finding($0) }, Engine.Statistics())
            let first = try await server.get("/api/v1/resets?limit=3")
            #expect(ids(first) == [6, 5, 4].map(findingID))
            #expect(first.body.contains("\"next\":\"\(findingID(4))\""))
            let last = try await server.get("/api/v1/resets?limit=5&before=\(findingID(4))")
            #expect(ids(last) == [3, 2, 1, 0].map(findingID))
            #expect(!last.body.contains("\"next\""))
            let all = try await server.get("/api/v1/findings")
            #expect(ids(all).count == 7)
        }
    }

    @Test func sinceTakesAnIDOrATime() async throws {
        try await TestServer.run { server async throws in
            server.state.record((0..<7).map { finding($0) }, Engine.Statistics())
            #expect(try await ids(server.get("/api/v1/resets?since=\(findingID(4))")) == [6, 5].map(findingID))
            let time = Timestamp.format(1_700_000_005_000_000_000)
            #expect(try await ids(server.get("/api/v1/resets?since=\(time)")) == [findingID(6)])
            #expect(try await ids(server.get("/api/v1/resets?since=2023-11-14T23:13:25%2B01:00")) == [findingID(6)])
        }
    }

    @Test func filtersChoose() async throws {
        try await TestServer.run { server async throws in
            server.state.record(
                [finding(1), finding(2, sender: .undetermined), finding(3)], Engine.Statistics())
            #expect(try await ids(server.get("/api/v1/resets?sender=undetermined")) == [findingID(2)])
            #expect(
                try await ids(server.get("/api/v1/resets?dst_port=3&src=10.4.0.2&cause=rejected")) == [findingID(3)])
            #expect(try await ids(server.get("/api/v1/resets?src=10.4.0.3")).isEmpty)
            #expect(try await ids(server.get("/api/v1/resets?interface=eth1")).isEmpty)
            #expect(try await ids(server.get("/api/v1/findings?kind=reset&stage=syn&interface=eth0")).count == 3)
            #expect(try await ids(server.get("/api/v1/findings?kind=path")).isEmpty)
        }
    }

    @Test(arguments: [
        ("/api/v1/resets?limit=0", "limit"), ("/api/v1/resets?limit=1001", "limit"),
        ("/api/v1/resets?limit=x", "limit"),
        ("/api/v1/resets?limit=", "limit"), ("/api/v1/resets?limit=1&limit=2", "limit"),
        ("/api/v1/resets?since=yesterday", "since"), ("/api/v1/resets?before=x", "before"),
        ("/api/v1/resets?sender=gremlin", "sender"), ("/api/v1/resets?src=10.0.0.256", "src"),
        ("/api/v1/resets?dst_port=65536", "dst_port"), ("/api/v1/resets?colour=red", "colour"),
        ("/api/v1/resets?kind=reset", "kind"), ("/api/v1/hosts?since=x", "since"),
        ("/api/v1/hosts?address=x", "address"), ("/api/v1/hosts?before=x", "before"),
        ("/api/v1/hosts?before=2026-01-31T23:59:59Z,10.1.0.1", "before"), ("/api/v1/origins?limit=0", "limit"),
        ("/api/v1/origins?limit=x", "limit"),
        ("/api/v1/ledger?limit=1", "limit"), ("/metrics?x=1", "x"), ("/healthz?x", "x"),
        ("/api/v1/stream?limit=1", "limit"), ("/api/v1/resets?cause=%zz", "cause"),
    ])
    func badParametersAreNamed(path: String, parameter: String) async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.get(path)
            #expect(isProblem(answer, 400, parameter: parameter), "\(answer)")
        }
    }

    @Test func whatIsNotThereIsSaid() async throws {
        try await TestServer.run { server async throws in
            #expect(try await isProblem(server.get("/nothing"), 404))
            #expect(try await isProblem(server.get("/api/v1/../../etc/passwd"), 404))
            #expect(try await isProblem(server.get("/page.html"), 404))
        }
    }

    @Test func onlyReadingIsAllowed() async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.get("/metrics", method: "DELETE")
            #expect(isProblem(answer, 405))
            #expect(answer.head.contains("Allow: GET, HEAD"))
            let head = try await server.get("/metrics", method: "HEAD")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test(arguments: ["evil.example", "evil.example:9742", "localhost.evil.example", ""])
    func aStrangersNameIsRefused(host: String) async throws {
        try await TestServer.run { server async throws in
            for path in ["/metrics", "/api/v1/resets", "/api/v1/stream", "/healthz"] {
                let answer = try await server.get(path, host: host)
                #expect(isProblem(answer, 403), "\(path)")
            }
        }
    }

    @Test func aRequestWithoutAHostIsRefusedAndAConfiguredNameIsNot() async throws {
        try await TestServer.run(options: { $0.names = ["fw1.example.org"] }) { server async throws in
            #expect(try await isProblem(server.get("/metrics", host: nil), 403))
            #expect(try await server.get("/metrics", host: "fw1.example.org:80").status == 200)
        }
    }

    @Test func aRequestWithABodyIsRefusedAndItsConnectionClosed() async throws {
        try await TestServer.run { server async throws in
            let counted = try await server.send(
                "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nabc")
            #expect(isProblem(counted, 413))
            let chunked = try await server.send(
                "GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            #expect(isProblem(chunked, 413))
        }
    }

    @Test func whatIsTooLongIsRefused() async throws {
        try await TestServer.run { server async throws in
            let long = String(repeating: "a", count: 5000)
            #expect(try await isProblem(server.get("/\(long)"), 414))
            let header = try await server.get("/metrics", headers: "X: \(String(repeating: "a", count: 20_000))\r\n")
            #expect(header.status != 200)
            let many = (0..<100).map { "X-\($0): a\r\n" }.joined()
            #expect(try await server.get("/metrics", headers: many).status != 200)
            #expect(try await server.get("/metrics", headers: "X: a\r\n").status == 200)
        }
    }

    @Test func whatIsNotHTTPIsRefused() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send("\u{16}\u{3}\u{1} hello\r\n\r\n").status == 400)
        }
    }

    @Test func hostsAreAskedOfTheCaptureAndNotHavingOneIsSaid() async throws {
        try await TestServer.run(isCapturing: false) { server async throws in
            #expect(try await isProblem(server.get("/api/v1/hosts"), 503))
        }
    }

    @Test func theLedgerIsThere() async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.get("/api/v1/ledger")
            #expect(answer.status == 200)
            #expect(answer.body.contains(#""balanced":true"#))
        }
    }

    @Test func anAddressInUseIsSaid() async throws {
        try await TestServer.run { server async throws in
            let state = server.state
            var options = HTTPServer.Options()
            options.address = server.address
            let second = HTTPServer(options: options, state: state, logger: .init(label: "test"))
            await #expect {
                try await second.run()
            } throws: { error in
                (error as? HTTPServerError)?.description.contains("in use") == true
            }
        }
    }
}
