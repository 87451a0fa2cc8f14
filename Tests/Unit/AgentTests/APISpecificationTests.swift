// SPDX-License-Identifier: Apache-2.0
import Foundation
import Reporting
import Testing

@testable import Agent

@Suite struct APISpecificationTests {
    private func specification() throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(APISpecification.document)) as? [String: Any])
    }

    @Test func itDescribesTheFiltersOfTheFields() throws {
        let paths = try #require(try specification()["paths"] as? [String: [String: [String: Any]]])
        let parameters = try #require(paths["/api/v1/findings"]?["get"]?["parameters"] as? [[String: Any]])
        let names = Set(parameters.compactMap { $0["name"] as? String })
        #expect(names.isSuperset(of: FindingSchema.filters.map(\.name)))
        let resets = try #require(paths["/api/v1/resets"]?["get"]?["parameters"] as? [[String: Any]])
        #expect(!resets.contains { $0["name"] as? String == "kind" })
        #expect(resets.count == parameters.count - 1)
    }

    /// Every list is described, those that need no engine answer, and the server tells the description.
    @Test func everyPathIsServed() async throws {
        try await TestServer.run { server async throws in
            let told = try await server.get("/api/v1/openapi.json")
            #expect(told.status == 200)
            #expect(Array(told.body.utf8) == APISpecification.document)
            #expect(try await server.get("/api/v1/openapi.json?x=1").status == 400)
            for path in ["findings", "resets", "hosts", "origins", "paths", "ledger"] {
                #expect(told.body.contains("\"/api/v1/\(path)\""))
            }
            for path in ["findings", "resets", "ledger"] {
                #expect(try await server.get("/api/v1/\(path)").status == 200)
            }
            #expect(try await server.get("/api/v1/openapi").status == 404)
        }
    }
}
