// SPDX-License-Identifier: Apache-2.0
import Capture
import Diagnosis
import Packets
import Testing

@testable import Agent

@Suite struct ForgetTests {
    private func other(_ number: Int) -> Finding {
        var finding = finding(number)
        finding.fiveTuple.source = IPAddress(v4: 0xc0a8_0000 + UInt32(number))
        finding.fiveTuple.destination = IPAddress(v4: 0xc0a8_ff01)
        return finding
    }

    private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(prefixOrAddress: text)) }

    @Test func filesForget() async throws {
        let directory = HistoryDirectory()
        do {
            let history = directory.history()
            history.queue.offer((0..<20).map { finding($0) } + (20..<30).map { other($0) })
            await history.store()
        }
        let removed = try History.forget(prefix("10.4.0.0/16"), in: directory.path)
        #expect(removed.findings == 20)
        let left = try History.open(readOnly: directory.path).findings(FindingQuery()).findings
        #expect(left.map(\.id) == (20..<30).reversed().map(findingID))
        #expect(try directory.contents().contains("192.168.0.21"))
        #expect(try !directory.contents().contains("10.4.0.2"))
        #expect(try History.forget(prefix("10.4.0.0/16"), in: directory.path) == Forgotten())
        #expect(try History.forget(prefix("192.168.0.21"), in: directory.path).findings == 1)
    }

    @Test func aRunningAgentsFilesAreNotTouched() throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        #expect {
            try History.forget(prefix("10.0.0.0/8"), in: directory.path)
        } throws: { error in
            (error as? HistoryFault)?.reason == .locked
        }
        withExtendedLifetime(history) {}
    }

    @Test func whatWasSetAsideGoesAsAWhole() throws {
        let directory = HistoryDirectory()
        try directory.write([UInt8](repeating: 0x5a, count: 8192))
        do { _ = directory.history() }
        #expect(directory.files.contains("history.sqlite.damaged"))
        #expect(try History.forget(prefix("10.0.0.0/8"), in: directory.path).hadDamaged)
        #expect(!directory.files.contains("history.sqlite.damaged"))
    }

    @Test func findingsInMemoryGoAndOthersStay() {
        var store = FindingStore(capacity: 4)
        for number in 0..<6 { store.add(number % 2 == 0 ? finding(number) : other(number)) }
        let gone = store.remove { $0.fiveTuple.source == IPAddress(v4: 0x0a04_0002) }
        #expect(gone == [2, 4].map(findingID))
        #expect(store.newest(limit: 10) { _ in true }.findings.map(\.id) == [5, 3].map(findingID))
        store.add(finding(7))
        #expect(store.count == 3)
        #expect(store.forgotten == 2)
    }

    @Test func onlyWhoKnowsTheTokenMayHaveSomethingForgotten() async throws {
        let directory = HistoryDirectory()
        let history = directory.history()
        let token = try #require(History.token(in: directory.path))
        #expect(token.utf8.count > 30)
        try await TestServer.run(history: history) { server async throws in
            let path = "/api/v1/forget?prefix=10.4.0.0/16"
            #expect(try await server.get(path).status == 405)
            #expect(try await server.get(path, method: "POST").status == 401)
            let wrong = "Authorization: Bearer \(token)x\r\n"
            #expect(try await server.get(path, method: "POST", headers: wrong).status == 401)
            let right = "Authorization: Bearer \(token)\r\n"
            #expect(try await server.get("/api/v1/forget", method: "POST", headers: right).status == 400)
            #expect(try await server.get(path, host: "evil.example", method: "POST", headers: right).status == 403)
            // Nobody captures here: the engine cannot be asked, and that is said.
            #expect(try await server.get(path, method: "POST", headers: right).status == 503)
        }
        try await TestServer.run { server async throws in
            #expect(try await server.get("/api/v1/forget?prefix=::/0", method: "POST").status == 401)
        }
    }
}
