// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import FoundationEssentials
internal import Packets

extension JSONLines {
    /// Reads a finding that an agent sent.
    ///
    /// Fields that this version does not know are ignored; the sentences are the agent's.
    ///
    /// - Returns: `nil` where `json` is not a finding, has a number that none has, or has a value of a closed set that
    ///   this version does not know.
    package static func decode(_ json: String) -> Finding? {
        guard let wire = try? JSONDecoder().decode(WireFinding.self, from: Data(json.utf8)) else { return nil }
        return wire.finding
    }

    /// Returns a stored finding as this version writes it; `line` itself if it is written so, or not understood.
    ///
    /// Neither has a line feed. The sentences stay those of the version that reported the finding.
    package static func current(_ line: String) -> String {
        if line.hasPrefix(currentPrefix) { return line }
        return decode(line).map { String(Self.line($0).dropLast()) } ?? line
    }

    /// The beginning of each finding that this version writes.
    private static let currentPrefix = "{\"schema\":\(FindingSchema.version),"
}

/// A finding as it stands in JSON.
package struct WireFinding: Decodable {
    /// `nil` where this version knows no such finding.
    package var finding: Finding?

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: FieldKey.self)
        let name = try container.decode(String.self, forKey: FieldKey(stringValue: "kind"))
        guard let kind = Finding.Kind(rawValue: name) else { return }
        var finding = Finding.blank(kind)
        do {
            try FindingSchema.fields(of: kind).read(container, into: &finding)
        } catch is NoSuchFinding {
            return
        }
        self.finding = finding
    }
}

extension Finding {
    /// A finding whose fields are to be read.
    fileprivate static func blank(_ kind: Kind) -> Finding {
        let none = IPAddress(v4: 0)
        let ends = FiveTuple(source: none, sourcePort: 0, destination: none, destinationPort: 0)
        let details: Details =
            switch kind {
            case .reset:
                .reset(
                    Reset(
                        flags: [], ttl: 0, seq: 0, ack: 0, sender: .undetermined, hop: nil, cause: .unknown,
                        stage: .none, packetKey: ""))
            case .path: .path(Path(cause: .loss))
            case .pathChange: .pathChange(PathChange(hop: 0, hostHop: 0))
            case .icmpError:
                .icmpError(ICMPError(type: 0, code: 0, isIPv6: false, from: none, hop: nil, quoted: ends))
            case .notice: .notice(Notice(cause: .ttlRewritten))
            }
        return Finding(id: "", fiveTuple: ends, details: details)
    }
}
