// SPDX-License-Identifier: Apache-2.0
internal import Packets
internal import Reporting

extension FleetTrace {
    /// The trace as one line of JSON, its line feed included.
    package var line: String {
        var writer = JSONWriter(capacity: 2048)
        write(to: &writer)
        writer.endLine()
        return writer.text
    }

    private func write(to writer: inout JSONWriter) {
        let report = FleetTraceReport(self)
        writer.object { json in
            json.member("kind", "fleet_trace")
            json.member("schema", FleetRecord.schema)
            json.member("realm", realm)
            json.member("time", Timestamp.text(time))
            json.member("client", connection.source.description)
            json.member("client_port", connection.sourcePort)
            json.member("server", connection.destination.description)
            json.member("server_port", connection.destinationPort)
            json.member("client_isn", clientISN == 0 ? nil : clientISN)
            writeVerdict(to: &json)
            json.member("confidence", confidence, digits: 3)
            json.member("problem", isProblem)
            json.member("finding", best?.id)
            json.member("finding_agent", best?.reporter.agent)
            json.member("alike", alike)
            json.member("asymmetric", path.isAsymmetric ? true : nil)
            json.member("path") { json in
                json.array { json in for view in views { Self.write(view, to: &json) } }
            }
            json.member("evidence") { json in
                json.array { json in
                    for evidence in evidence {
                        json.object { json in
                            json.member("name", evidence.name.rawValue)
                            json.member("agent", evidence.agent.isEmpty ? nil : evidence.agent)
                            json.member("weight", evidence.weight, digits: 2)
                            json.member("text", evidence.text)
                        }
                    }
                }
            }
            json.member("headline", report.answer)
            json.member("advice", report.nextStep)
        }
    }

    private func writeVerdict(to json: inout JSONWriter) {
        switch verdict {
        case .madeBy(let agent):
            json.member("verdict", "reset_by_agent")
            json.member("agent", agent)
        case .madeByHost(let agent):
            json.member("verdict", "reset_by_host")
            json.member("agent", agent)
        case .madeBetween(let saw, let sawNot):
            json.member("verdict", "reset_between")
            json.member("saw", saw)
            json.member("saw_not", sawNot)
        case .madeBeyond(let agent):
            json.member("verdict", "reset_beyond")
            json.member("saw", agent)
        case .droppedBy(let agent):
            json.member("verdict", "dropped_by_agent")
            json.member("agent", agent)
        case .lostBetween(let packet, let last, let next):
            json.member("verdict", "lost_between")
            json.member("packet", packet.rawValue)
            json.member("saw", last)
            json.member("saw_not", next)
        case .lostBeyond(let packet, let last):
            json.member("verdict", "lost_beyond")
            json.member("packet", packet.rawValue)
            json.member("saw", last)
        case .delivered: json.member("verdict", "delivered")
        case .undetermined: json.member("verdict", "undetermined")
        }
    }

    private static func write(_ view: View, to writer: inout JSONWriter) {
        writer.object { json in
            json.member("agent", view.stop.agent.name)
            json.member("hop_from_client", view.stop.hopFromClient)
            json.member("hop_from_server", view.stop.hopFromServer)
            json.member("no_eyes_before", view.stop.unseenBefore > 0 ? view.stop.unseenBefore : nil)
            json.member("seen") { json in
                json.object { json in
                    for packet in FleetSighting.Packet.allCases {
                        guard let times = view.seen[packet] else { continue }
                        json.member(packet.rawValue) { json in
                            json.array { json in for time in times.sorted() { json.string(Timestamp.text(time)) } }
                        }
                    }
                }
            }
            json.member("cannot_say", view.doubt?.name)
            json.member("finding", view.findingID)
        }
    }
}
