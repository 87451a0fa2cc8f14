// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The two rules that people use by hand, applied to a capture by a program that shares nothing with the engine: tshark
/// reads the packets, and a reset is a device's if its TTL is another than the most frequent one of the flow, or of the
/// source.
struct PlainRules: Sendable {
    enum Verdict: String, Sendable {
        case host
        case device
        /// There is nothing to compare with.
        case silent = "-"
    }

    /// By frame number.
    private(set) var byFlow: [Int: Verdict] = [:]
    private(set) var byHost: [Int: Verdict] = [:]

    static let fields = [
        "frame.number", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "ip.ttl", "ipv6.hlim", "tcp.srcport", "tcp.dstport",
        "tcp.flags.reset", "icmp.type", "icmpv6.type",
    ]

    /// Types that quote another packet (RFC 792, RFC 4443).
    private static let errors: Set<String> = ["3", "5", "11", "12"]
    private static let errorsIPv6: Set<String> = ["1", "2", "3", "4"]

    init(capture: URL) throws {
        let arguments =
            ["tshark", "-n", "-r", capture.path, "-T", "fields", "-E", "occurrence=a"]
            + Self.fields.flatMap { ["-e", $0] }
        try self.init(text: try Namespace.host(arguments, timeout: 60))
    }

    /// - `text`: A line for each packet, fields separated by tabs.
    init(text: String) throws {
        var flows: [String: [Int: Int]] = [:]
        var hosts: [String: [Int: Int]] = [:]
        var resets: [(frame: Int, ttl: Int, flow: String, source: String)] = []
        for line in text.split(separator: "\n") {
            let layers = line.split(separator: "\t", omittingEmptySubsequences: false)
            // Of a tunnel the packet inside counts.
            let fields = layers.map { String($0.split(separator: ",").last ?? "") }
            guard fields.count == Self.fields.count, let frame = Int(fields[0]) else {
                throw LabError("tshark: \(line)")
            }
            if Self.errors.contains(fields[10]) || Self.errorsIPv6.contains(fields[11]) { continue }
            let source = fields[1] + fields[2]
            guard let ttl = Int(fields[5] + fields[6]) else { continue }
            let flow = "\(source) \(fields[7]) \(fields[3])\(fields[4]) \(fields[8])"
            if ["1", "True"].contains(fields[9]) {
                resets.append((frame, ttl, flow, source))
                continue
            }
            hosts[source, default: [:]][ttl, default: 0] += 1
            if !fields[7].isEmpty { flows[flow, default: [:]][ttl, default: 0] += 1 }
        }
        for reset in resets {
            byFlow[reset.frame] = Self.verdict(reset.ttl, flows[reset.flow])
            byHost[reset.frame] = Self.verdict(reset.ttl, hosts[reset.source])
        }
    }

    private static func verdict(_ ttl: Int, _ others: [Int: Int]?) -> Verdict {
        guard let usual = others?.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key else { return .silent }
        return ttl == usual ? .host : .device
    }
}
