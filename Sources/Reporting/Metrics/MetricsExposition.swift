// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The agent's metrics in Prometheus' text format or as OpenMetrics, and the one place where metrics have names.
///
/// Labels come from closed sets, never an address or a port, and every member of a set is there from the start, at 0.
/// Interfaces beyond the first `interfaceLimit` are added up as `other`, so the number of series is bounded whatever
/// the network does.
package enum MetricsExposition {
    /// Interfaces that have series of their own.
    package static let interfaceLimit = 16

    package static func text(_ snapshot: MetricsSnapshot, as format: MetricsFormat = .text) -> String {
        var writer = MetricsWriter(format)
        writeTraffic(snapshot, to: &writer)
        writeFindings(snapshot, to: &writer)
        writeState(snapshot, to: &writer)
        if let history = snapshot.history { write(history, to: &writer) }
        if let export = snapshot.export { write(export, to: &writer) }
        if let fleet = snapshot.fleet { write(fleet, to: &writer) }
        return writer.text
    }

    private static func writeTraffic(_ snapshot: MetricsSnapshot, to writer: inout MetricsWriter) {
        let interfaces = bounded(snapshot.interfaces)
        writer.family(
            "rstwho_packets_total", .counter,
            "Packets seen on watched interfaces, counted as they are on the wire.")
        for interface in interfaces {
            writer.sample([("interface", interface.name), ("direction", "in")], interface.arrived)
            writer.sample([("interface", interface.name), ("direction", "out")], interface.left)
        }
        writer.family("rstwho_packets_refused_total", .counter, "Packets that the parser refused, by reason.")
        for reason in RefusalReason.allCases {
            writer.sample([("reason", reason.label)], snapshot.refused[reason] ?? 0)
        }
        writer.family(
            "rstwho_packets_missed_total", .counter,
            "Packets that were not looked at: another one was on the same CPU, or the agent stood still.")
        writer.sample([("reason", "preempted")], snapshot.missed)
        writer.sample([("reason", "idle")], snapshot.idle)
        writer.family(
            "rstwho_blind_seconds_total", .counter,
            "Seconds for which nothing was looked at, because the agent was stopped, frozen or without CPU time.")
        writer.sample([], snapshot.blindSeconds)
        writer.family(
            "rstwho_interface_received_packets_total", .counter,
            "Packets that the interface itself counts as received, whether the agent sees them or not.")
        for interface in interfaces {
            guard let received = interface.received else { continue }
            writer.sample([("interface", interface.name)], received)
        }
        writer.family(
            "rstwho_interface_coverage_ratio", .gauge,
            "Packets seen arriving over the interface's own count, in the last five minutes; well below 1 means that "
                + "an offload hides traffic, or that nothing is seen any more.")
        for interface in interfaces {
            guard let coverage = interface.coverage else { continue }
            writer.sample([("interface", interface.name)], coverage)
        }
        writer.family("rstwho_records_total", .counter, "Records that the kernel part wrote, by class of packet.")
        for packetClass in PacketClass.allCases {
            writer.sample([("class", packetClass.label)], snapshot.recorded[packetClass] ?? 0)
        }
        // Resets and ICMP errors are never shed: their zeros say so.
        writer.family(
            "rstwho_records_shed_total", .counter, "Packets of flows that were shed under load, by class.")
        for packetClass in PacketClass.allCases {
            writer.sample([("class", packetClass.label)], snapshot.shed[packetClass] ?? 0)
        }
        writer.family("rstwho_shed_ratio", .gauge, "Share of flows that are being shed, by class: 0 for none.")
        for packetClass in PacketClass.allCases {
            writer.sample([("class", packetClass.label)], snapshot.shedRatio[packetClass] ?? 0.0)
        }
        writer.family("rstwho_records_lost_total", .counter, "Records that found no room, by class and reason.")
        for packetClass in PacketClass.allCases {
            for reason in LossReason.allCases {
                writer.sample(
                    [("class", packetClass.label), ("reason", reason.label)],
                    snapshot.lost[packetClass]?[reason] ?? 0)
            }
        }
    }

    private static func writeFindings(_ snapshot: MetricsSnapshot, to writer: inout MetricsWriter) {
        let findings = snapshot.findings
        writer.family("rstwho_connections_total", .counter, "TCP connections seen, by scope.")
        for scope in Scope.allCases {
            writer.sample([("scope", scope.rawValue)], snapshot.connections[scope] ?? 0)
        }
        writer.family(
            "rstwho_resets_total", .counter, "TCP resets by sender as first reported, and scope.")
        for sender in Finding.Sender.allCases {
            for scope in Scope.allCases {
                let key = FindingCounters.SenderAndScope(sender: sender, scope: scope)
                writer.sample(
                    [("sender", sender.rawValue), ("scope", scope.rawValue)], findings.resets[key] ?? 0,
                    findings.resetExemplars[key])
            }
        }
        writer.family(
            "rstwho_resets_expected_total", .counter,
            "TCP resets of devices whose resets the operator expects, by scope; part of rstwho_resets_total.")
        for scope in Scope.allCases {
            writer.sample([("scope", scope.rawValue)], findings.expected[scope] ?? 0)
        }
        writer.family("rstwho_resets_by_cause_total", .counter, "TCP resets by cause as first reported.")
        for cause in Finding.Cause.allCases {
            writer.sample([("cause", cause.rawValue)], findings.causes[cause] ?? 0, findings.causeExemplars[cause])
        }
        writer.family(
            "rstwho_path_findings_total", .counter,
            "Path findings, one per route with failing connections, by first reported cause."
        )
        for cause in Finding.PathCause.allCases {
            writer.sample([("cause", cause.rawValue)], findings.paths[cause] ?? 0, findings.pathExemplars[cause])
        }
        writer.family(
            "rstwho_failing_services_total", .counter,
            "Services to which connections fail, by cause, scope and how many clients it concerns within 15 minutes.")
        for cause in Finding.PathCause.allCases where cause.isProblem {
            for scope in Scope.allCases {
                for extent in FailingServices.Extent.allCases {
                    let key = FindingCounters.FailingService(cause: cause, scope: scope, extent: extent)
                    writer.sample(
                        [("cause", cause.rawValue), ("scope", scope.rawValue), ("extent", extent.rawValue)],
                        findings.failingServices[key] ?? 0)
                }
            }
        }
        writer.family(
            "rstwho_resets_revised_total", .counter,
            "Resets whose sender a later packet decided; not counted again in rstwho_resets_total.")
        for from in Finding.Sender.allCases {
            for to in Finding.Sender.allCases where to != from && to != .undetermined {
                writer.sample(
                    [("from", from.rawValue), ("to", to.rawValue)],
                    findings.revisions[FindingCounters.Revision(from: from, to: to)] ?? 0)
            }
        }
        writer.family(
            "rstwho_reset_distance_hops", .histogram, "Hop of the device that sent a reset; the neighbour is 1.")
        writer.histogram(findings.distance)
        writer.family(
            "rstwho_verdict_delay_seconds", .histogram,
            "Packet time from a reset to its verdict; resets that stay undetermined have none.")
        writer.histogram(findings.verdictDelay)
    }

    private static func writeState(_ snapshot: MetricsSnapshot, to writer: inout MetricsWriter) {
        writer.family("rstwho_hosts", .gauge, "Hosts remembered.")
        writer.sample([], UInt64(clamping: snapshot.hosts))
        writer.family("rstwho_flows", .gauge, "Flows remembered.")
        writer.sample([], UInt64(clamping: snapshot.flows))
        writer.family(
            "rstwho_origins", .gauge, "Devices that were found to send resets with the addresses of other hosts.")
        writer.sample([], UInt64(clamping: snapshot.origins))
        writer.family("rstwho_origins_expected", .gauge, "Devices in rstwho_origins whose resets the operator expects.")
        writer.sample([], UInt64(clamping: snapshot.expectedOrigins))
        writer.family("rstwho_host_evictions_total", .counter, "Hosts forgotten because the table was full.")
        writer.sample([], snapshot.hostEvictions)
        writer.family("rstwho_flow_evictions_total", .counter, "Flows forgotten because the table was full.")
        writer.sample([], snapshot.flowEvictions)
        writer.family(
            "rstwho_undetermined_forgotten_total", .counter, "Undetermined resets that can no longer be revised.")
        writer.sample([], snapshot.undeterminedForgotten)
        writer.family("rstwho_ring_used_bytes", .gauge, "Bytes that wait to be read in the fullest ring.")
        writer.sample([], snapshot.ringUsedBytes)
        writer.family("rstwho_ring_size_bytes", .gauge, "Bytes of one CPU's ring.")
        writer.sample([], snapshot.ringSizeBytes)
        writer.family("rstwho_attach_info", .gauge, "How an interface is watched; always 1.")
        var told: Set<[String]> = []
        for (index, interface) in snapshot.interfaces.enumerated() {
            let name = index < interfaceLimit ? interface.name : otherName
            guard told.insert([name, interface.hook]).inserted else { continue }
            writer.sample([("interface", name), ("hook", interface.hook)], UInt64(1))
        }
        writer.family(
            "rstwho_interface_up", .gauge,
            "1 while an interface is watched, 0 while it is not there or cannot be watched.")
        for interface in bounded(snapshot.interfaces) {
            writer.sample([("interface", interface.name)], UInt64(interface.isUp ? 1 : 0))
        }
        writer.family("rstwho_build_info", .gauge, "The agent's version; always 1.")
        writer.sample([("version", snapshot.version)], UInt64(1))
    }

    private static func write(_ export: MetricsSnapshot.Export, to writer: inout MetricsWriter) {
        writer.family("rstwho_export_up", .gauge, "1 while the export's target takes findings, otherwise 0.")
        writer.sample([], UInt64(export.isUp ? 1 : 0))
        writer.family("rstwho_export_findings_total", .counter, "Findings exported, revisions included.")
        writer.sample([], export.sent)
        writer.family("rstwho_export_dropped_total", .counter, "Findings that were not exported.")
        writer.sample([], export.dropped)
        writer.family("rstwho_export_failures_total", .counter, "Failures of the export's connection.")
        writer.sample([], export.failures)
        writer.family("rstwho_export_waiting", .gauge, "Findings that wait for the export's target.")
        writer.sample([], UInt64(export.waiting))
    }

    private static func write(_ fleet: MetricsSnapshot.Fleet, to writer: inout MetricsWriter) {
        writer.family("rstwho_fleet_up", .gauge, "1 while records for the fleet can be written, otherwise 0.")
        writer.sample([], UInt64(fleet.isUp ? 1 : 0))
        writer.family("rstwho_fleet_rows_total", .counter, "Records written for the fleet, by table.")
        for (table, count) in fleet.rows { writer.sample([("table", table)], count) }
        writer.family(
            "rstwho_fleet_dropped_total", .counter, "Records that the fleet does not get: no room, or not written.")
        for (table, count) in fleet.dropped { writer.sample([("table", table)], count) }
        writer.family("rstwho_fleet_spool_bytes", .gauge, "Bytes of batches that wait to be sent.")
        writer.sample([], fleet.spoolBytes)
        writer.family("rstwho_fleet_spool_seconds", .gauge, "Age of the oldest batch that waits to be sent.")
        writer.sample([], fleet.spoolSeconds)
        writer.family(
            "rstwho_fleet_sampled_share", .gauge, "Part of the connections whose handshakes are reported, 0 to 1.")
        writer.sample([], fleet.sampledShare)
    }

    private static func write(_ history: MetricsSnapshot.History, to writer: inout MetricsWriter) {
        writer.family("rstwho_history_up", .gauge, "1 while findings are stored, 0 while history has stopped.")
        writer.sample([], UInt64(history.isUp ? 1 : 0))
        writer.family("rstwho_history_errors_total", .counter, "Stops of the history, by reason.")
        for (reason, count) in history.errors { writer.sample([("reason", reason)], count) }
        writer.family("rstwho_history_findings_total", .counter, "Findings stored, revisions included.")
        writer.sample([], history.stored)
        writer.family("rstwho_history_dropped_total", .counter, "Findings that were not stored.")
        writer.sample([], history.dropped)
        writer.family("rstwho_history_bytes", .gauge, "Bytes of the history's files.")
        writer.sample([], history.bytes)
    }

    private static let otherName = "other"

    /// The first interfaces as they are and the rest as one, whose coverage is not told.
    private static func bounded(_ interfaces: [MetricsSnapshot.Interface]) -> [MetricsSnapshot.Interface] {
        guard interfaces.count > interfaceLimit else { return interfaces }
        var other = MetricsSnapshot.Interface(name: otherName, hook: "")
        for interface in interfaces[interfaceLimit...] {
            other.arrived &+= interface.arrived
            other.left &+= interface.left
            other.isUp = other.isUp && interface.isUp
        }
        return interfaces[..<interfaceLimit] + [other]
    }
}
