// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Diagnosis
internal import Packets
internal import Reporting

/// The API's answers as JSON.
enum APIDocument {
    static func findings(_ page: FindingPage) -> [UInt8] {
        list(next: page.next) { json in
            for item in page.items {
                switch item {
                case .told(let finding): JSONLines.write(finding, to: &json)
                case .stored(let finding): json.raw(finding.currentLine)
                }
            }
        }
    }

    static func hosts(_ hosts: [HostSummary], next: String?) -> [UInt8] {
        list(next: next) { json in
            for host in hosts { HostReport.write(host, to: &json) }
        }
    }

    static func origins(_ origins: [Origin]) -> [UInt8] {
        list(next: nil) { json in
            for origin in origins { OriginReport.write(origin, to: &json) }
        }
    }

    static func paths(_ paths: [PathSummary]) -> [UInt8] {
        list(next: nil) { json in
            for path in paths { PathReport.write(path, to: &json) }
        }
    }

    /// Returns the ledger by interface and direction, and the engine's figures about the records.
    static func ledger(_ ledger: Ledger, _ statistics: Engine.Statistics) -> [UInt8] {
        document { json in
            json.member("items") { json in
                json.array { json in
                    for row in ledger.rows {
                        json.object { json in
                            json.member("interface", row.interface)
                            json.member("direction", row.way.label)
                            write(row.count, to: &json)
                        }
                    }
                }
            }
            json.member("total") { json in
                json.object { json in write(ledger.total, to: &json) }
            }
            json.member("consumed") { json in
                byClass(&json) { ledger.consumed($0) }
            }
            json.member("in_ring", ledger.inRing)
            json.member("kept_share") { json in
                json.object { json in
                    for packetClass in PacketClass.allCases {
                        json.member(packetClass.label, ledger.shedding.keptShare(packetClass), digits: 6)
                    }
                }
            }
            json.member("observed", statistics.observed)
            json.member("rejected", statistics.rejected)
            json.member("balanced", ledger.isBalanced)
        }
    }

    /// Returns the agent's health: whether it works, with facts for other agents and for people.
    static func health(_ phase: AgentState.Phase, _ interfaces: [AgentState.Interface]) -> [UInt8] {
        document { json in
            json.member("service", AgentVersion.name)
            json.member("version", AgentVersion.number)
            let isBlind = interfaces.contains(where: \.isBlind)
            let status =
                switch phase {
                case .starting: "starting"
                case .capturing: isBlind ? "blind" : "capturing"
                case .ended: "ended"
                }
            json.member("status", status)
            json.member("interfaces") { json in
                json.array { json in
                    for interface in interfaces {
                        json.object { json in
                            json.member("name", interface.name)
                            json.member("hook", interface.hook)
                            json.member("up", interface.isAttached)
                        }
                    }
                }
            }
        }
    }

    private static func write(_ count: Ledger.Count, to json: inout JSONWriter) {
        json.member("seen", count.seen)
        json.member("segments", count.segments)
        json.member("missed", count.missed)
        json.member("idle", count.idle)
        json.member("skipped", count.skipped)
        json.member("recorded") { json in
            byClass(&json) { count.recorded($0) }
        }
        json.member("shed") { json in
            byClass(&json) { count.shed($0) }
        }
        json.member("refused") { json in
            json.object { json in
                for reason in RefusalReason.allCases { json.member(reason.label, count.refused(reason)) }
            }
        }
        json.member("lost") { json in
            json.object { json in
                for packetClass in PacketClass.allCases {
                    json.member(packetClass.label) { json in
                        json.object { json in
                            for reason in LossReason.allCases {
                                json.member(reason.label, count.lost(packetClass, reason))
                            }
                        }
                    }
                }
            }
        }
    }

    private static func byClass(_ json: inout JSONWriter, _ count: (PacketClass) -> UInt64) {
        json.object { json in
            for packetClass in PacketClass.allCases { json.member(packetClass.label, count(packetClass)) }
        }
    }

    static func forgotten(_ forgotten: Forgotten) -> [UInt8] {
        document { json in
            json.member("findings", forgotten.findings)
            json.member("hosts", forgotten.hosts)
            json.member("origins", forgotten.origins)
            json.member("paths", forgotten.paths)
            json.member("evidence_files", forgotten.evidenceFiles)
            json.member("fleet_records", forgotten.fleetRecords)
            json.member("damaged_history", forgotten.hadDamaged)
        }
    }

    private static func list(next: String?, _ items: (inout JSONWriter) -> Void) -> [UInt8] {
        document { json in
            json.member("items") { $0.array(items) }
            json.member("next", next)
        }
    }

    private static func document(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        json.object(body)
        json.endLine()
        return json.bytes
    }
}
