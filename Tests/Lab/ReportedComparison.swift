// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The output of `rstwho compare`, reduced to the fields that the lab asserts.
struct ReportedComparison: Sendable {
    struct Leg: Decodable, Sendable {
        struct Rewrite: Decodable, Sendable {
            let field: String
            let from: String?
            let to: String?
            let count: Int
        }

        let from: String
        let to: String
        let passed: [String: Int]
        let vanished: [String: Int]
        let appeared: [String: Int]
        let rewritten: [Rewrite]
    }

    struct Route: Decodable, Sendable {
        let points: [String]
        let direction: String?
        let src: String
        let dst: String
    }

    private struct Kind: Decodable {
        let kind: String
    }

    let status: Int32
    let message: String
    private(set) var routes: [Route] = []
    private(set) var legs: [Leg] = []
    private(set) var findings: [ReportedFinding] = []

    /// Compares captures, each given as NAME=FILE or FILE.
    init(_ captures: [String]) throws {
        let scratch = try Scratch()
        let child = try ChildProcess(
            [Requirements.built("rstwho"), "compare", "--format", "json"] + captures,
            standardOutput: scratch.file("out"), standardError: scratch.file("err"))
        status = try child.wait(timeout: 60)
        message = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        for line in try Data(contentsOf: child.standardOutput).split(separator: UInt8(ascii: "\n")) {
            switch try decoder.decode(Kind.self, from: line).kind {
            case "point": break
            case "route": routes.append(try decoder.decode(Route.self, from: line))
            case "leg": legs.append(try decoder.decode(Leg.self, from: line))
            default: findings.append(try decoder.decode(ReportedFinding.self, from: line))
            }
        }
    }
}
