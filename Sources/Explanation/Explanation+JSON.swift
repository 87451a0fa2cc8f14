// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
package import Reporting

extension Explanation {
    /// As an object, with the findings, hosts, origins and paths that it is made from.
    package func write(to writer: inout JSONWriter) {
        writer.object { json in
            json.member("question", question.text)
            json.member("answer", answer)
            json.member("finding", lead?.id)
            json.member("details") { json in
                json.array { json in for detail in details { json.string(detail) } }
            }
            json.member("action", action.isEmpty ? nil : action)
            json.member("timeline") { json in
                json.array { json in for event in timeline { Self.write(event, to: &json) } }
            }
            if let path { json.member("path") { path.write(to: &$0) } }
            json.member("evidence") { json in
                json.object { json in
                    json.member("for") { write(evidence.pro, to: &$0) }
                    json.member("against") { write(evidence.contra, to: &$0) }
                    json.member("notes") { write(evidence.notes, to: &$0) }
                }
            }
            json.member("hypotheses") { json in
                json.array { json in for hypothesis in hypotheses { Self.write(hypothesis, to: &json) } }
            }
            json.member("settling") { json in
                json.array { json in for step in settling { json.string(step) } }
            }
            if let message {
                json.member("message") { json in
                    json.object { json in
                        json.member("to", message.to)
                        json.member("text", message.text)
                    }
                }
            }
            knowledge.write(to: &json)
        }
    }

    /// The object as one line, its line feed included.
    package var line: String {
        var writer = JSONWriter()
        write(to: &writer)
        writer.endLine()
        return writer.text
    }

    private static func write(_ event: Event, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("time", event.time.map(Timestamp.text))
            json.member("text", event.text)
            json.member("problem", event.isProblem)
            json.member("finding", event.id)
        }
    }

    private func write(_ evidence: [Evidence], to writer: inout JSONWriter) {
        writer.array { json in
            for piece in evidence {
                json.object { json in
                    json.member("name", piece.label)
                    json.member("weight", piece.weight, digits: 2)
                    json.member("text", sentence(piece))
                }
            }
        }
    }

    private static func write(_ hypothesis: Hypothesis, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("name", hypothesis.kind.rawValue)
            json.member("state", hypothesis.state.rawValue)
            json.member("reason", hypothesis.reason)
            json.member("test", hypothesis.test)
        }
    }
}
