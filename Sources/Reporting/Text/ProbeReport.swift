// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Packets

/// The result of a probe, for people and for machines.
package struct ProbeReport: Sendable {
    package var result: ProbeResult
    /// The name that was asked for, where it is not the address itself.
    package var name: String?

    package init(_ result: ProbeResult, name: String? = nil) {
        self.result = result
        self.name = name
    }

    /// The answer, what to do, the path, and what the answer rests on.
    package func text(width: Int = 80, drawing: LineDrawing = .unicode, isColoured: Bool = false) -> String {
        var lines = [result.summary, "> \(result.advice)"]
        if let name { lines[0] = "\(name) is \(result.target). " + lines[0] }
        lines = lines.map(drawing.printable)
        var text = lines.joined(separator: "\n") + "\n\n"
        text += path.text(width: width, indent: 4, drawing: drawing, isColoured: isColoured) + "\n"
        for piece in result.evidence {
            text += drawing.printable("    \(piece.label): \(sentence(piece))") + "\n"
        }
        for note in notes { text += drawing.printable("    \(note)") + "\n" }
        return text
    }

    /// Distances are known by their form, everything else needs its sentence.
    private func sentence(_ piece: Evidence) -> String {
        guard piece.name == .ttlHost, let observed = piece.observed?.text, let expected = piece.expected?.text
        else { return result.places.naming(piece.text) }
        return "TTL \(observed) against \(expected)"
    }

    private var notes: [String] {
        var notes: [String] = []
        if result.hasSeveralPaths { notes.append("Paths part on the way: a hop has several addresses.") }
        if result.unmatched > 0 {
            let count = result.unmatched == 1 ? "1 segment" : "\(result.unmatched) segments"
            notes.append("\(count) from \(result.target) answered nothing that was sent, and did not count.")
        }
        if !result.isComplete { notes.append("Ended early, at the bound of packets or time.") }
        notes.append("\(Counted.packets(result.packets)) sent.")
        return notes
    }

    /// One object on one line.
    package var json: String {
        var writer = JSONWriter()
        writer.object { json in
            json.member("kind", "probe")
            json.member("name", name)
            json.member("dst", result.target.description)
            json.member("dst_port", result.port)
            json.member("state", result.state.rawValue)
            json.member("sender", result.sender.rawValue)
            json.member("hop", result.hop)
            if let hops = result.hops, result.hop == nil {
                json.member("possible_hops") { json in
                    json.array { json in
                        for hop in hops { json.raw("\(hop)") }
                    }
                }
            }
            json.member("address", result.address?.description)
            json.member("device", result.device?.name)
            json.member("owner", result.device?.owner)
            json.member("target_name", result.places.addresses[result.target]?.name)
            json.member("answered_at_ttl", result.answeredAt)
            json.member("host_hop", result.hostHop)
            json.member("host_hop_is_minimum", result.hostHopIsMinimum ? true : nil)
            json.member("confidence", result.confidence, digits: 3)
            json.member("unreachable", result.unreachable?.rawValue)
            json.member("evidence") { json in
                json.array { json in
                    for piece in result.evidence { write(piece, to: &json) }
                }
            }
            json.member("hops") { json in
                json.array { json in
                    for hop in result.path { write(hop, to: &json) }
                }
            }
            json.member("path") { json in path.write(to: &json) }
            json.member("packets", result.packets)
            json.member("unmatched", result.unmatched)
            json.member("complete", result.isComplete)
            json.member("summary", result.summary)
            json.member("advice", result.advice)
        }
        writer.endLine()
        return writer.text
    }

    private func write(_ piece: Evidence, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("name", piece.label)
            json.member("weight", piece.weight, digits: 2)
            json.member("observed", piece.observed?.text)
            json.member("expected", piece.expected?.text)
            json.member("text", result.places.naming(piece.text))
        }
    }

    private func write(_ hop: ProbeResult.Hop, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("hop", hop.number)
            json.member("addresses") { json in
                json.array { json in
                    for address in hop.addresses { json.string(address.description) }
                }
            }
            let device = hop.addresses.lazy.compactMap { result.places.addresses[$0] }.first
            json.member("name", (device ?? result.places.hops[hop.number])?.name)
            json.member("rtt_seconds", hop.roundTrip.map { Double($0) / 1e9 }, digits: 6)
        }
    }
}

extension ProbeResult {
    /// The sender's hop, where there is only one that it can be.
    package var hop: Int? { hops.flatMap { $0.count == 1 ? $0.lowerBound : nil } }
}
