// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A finding as it was printed: the fields of the JSON contract that the lab asserts.
struct ReportedFinding: Decodable, Sendable {
    struct Evidence: Decodable, Sendable {
        let name: String
        let weight: Double
        let text: String?
    }

    let kind: String
    let id: String
    let revision: Int
    let src: String
    let srcPort: Int
    let dst: String
    let dstPort: Int
    let flags: String?
    let ttl: Int?
    let seq: UInt32?
    let frame: Int?
    let sender: String?
    let hop: Int?
    let hostHop: Int?
    let cause: String?
    let stage: String?
    let confidence: Double?
    /// Resets that it stands for.
    let count: Int?
    let evidence: [Evidence]?
    let summary: String?
    let advice: String?

    /// The part of a finding that live capture and capture file must agree on, as a line to compare and to read in a
    /// failure.
    var essence: String {
        let hops = "hop \(hop.map(String.init) ?? "-") host_hop \(hostHop.map(String.init) ?? "-")"
        return "\(packet): \(sender ?? "-") \(hops) \(cause ?? "-") \(stage ?? "-")"
    }

    /// It says that packets of its flow were shed.
    var isShed: Bool { evidence?.contains { $0.name == "flow_shed" } ?? false }

    /// The cause, of kinds that have none the kind.
    var label: String { cause ?? kind }

    /// True for what somebody has to look into, as the contract has it.
    var isProblem: Bool {
        switch kind {
        case "reset": sender == "middlebox" || sender == "this_machine"
        case "path": cause != "loss" && cause != "one_way_tap"
        default: false
        }
    }

    /// All that it says in words.
    var words: String {
        ([summary, advice] + (evidence ?? []).map(\.text)).compactMap { $0 }.joined(separator: " ")
    }

    /// The packet that the finding is about.
    var packet: String {
        "\(kind) \(src):\(srcPort) > \(dst):\(dstPort) \(flags ?? "-") ttl \(ttl.map(String.init) ?? "-")"
    }

    /// Reads what a program that is still running has printed: its last line may be half written.
    static func complete(in file: URL) throws -> [ReportedFinding] {
        let data = try Data(contentsOf: file)
        return try lines(data.prefix(upTo: data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0))
    }

    /// Reads JSON Lines; throws if one is not a finding.
    static func lines(_ data: Data) throws -> [ReportedFinding] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try data.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(Self.self, from: $0) }
    }
}

extension [ReportedFinding] {
    /// The last revision of each, sorted: what has been said in the end.
    var essences: [String] {
        var last: [String: ReportedFinding] = [:]
        for finding in self where finding.revision >= last[finding.id]?.revision ?? 0 {
            last[finding.id] = finding
        }
        return last.values.map(\.essence).sorted()
    }

    /// The resets that carry `port` as their source port.
    func resets(from port: Int) -> [ReportedFinding] {
        filter { $0.kind == "reset" && $0.srcPort == port }
    }
}
