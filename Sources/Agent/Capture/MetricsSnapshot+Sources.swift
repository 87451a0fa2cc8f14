// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Diagnosis
internal import Packets
internal import Reporting

extension MetricsSnapshot {
    mutating func fill(from statistics: Engine.Statistics) {
        connections = [
            .inside: statistics.connectionsInside, .outside: statistics.connectionsOutside,
            .transit: statistics.connectionsTransit,
        ]
        hosts = statistics.hosts
        flows = statistics.flows
        origins = statistics.origins
        expectedOrigins = statistics.expectedOrigins
        hostEvictions = statistics.hostEvictions
        flowEvictions = statistics.flowEvictions
        undeterminedForgotten = statistics.undeterminedForgotten
    }

    mutating func fill(from ledger: Ledger) {
        let total = ledger.total
        missed = total.missed
        idle = total.idle
        blindSeconds = Double(ledger.blindTime) / 1e9
        for reason in RefusalReason.allCases { refused[reason] = total.refused(reason) }
        for packetClass in PacketClass.allCases {
            recorded[packetClass] = total.recorded(packetClass)
            shed[packetClass] = total.shed(packetClass)
            shedRatio[packetClass] = ledger.shedding.ratio(packetClass)
            for reason in LossReason.allCases {
                lost[packetClass, default: [:]][reason] = total.lost(packetClass, reason)
            }
        }
        ringUsedBytes = UInt64(clamping: ledger.ringUsedBytes)
        ringSizeBytes = UInt64(clamping: ledger.ringSizeBytes)
    }
}
