// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

extension AgentState {
    /// Forgets everything about the addresses of a prefix, in memory and in the files.
    ///
    /// - Throws: `HistoryFault` where the files cannot be written, `EngineRequests.Refusal` where the capture does not
    ///   answer.
    func forget(_ prefix: IPPrefix) async throws -> Forgotten {
        let hosts = try await engineRequests.change { engine in
            let before = engine.statistics.hosts
            engine.handle(.forget(prefix))
            return before - engine.statistics.hosts
        }
        let told = removeFindings { finding in
            AddressText.mentions(prefix, in: JSONLines.line(finding).utf8)
        }
        var (removed, ids) = try await history?.forget(prefix) ?? (Forgotten(), [])
        ids.formUnion(told)
        removed.findings = ids.count
        removed.hosts = max(removed.hosts, hosts)
        removed.fleetRecords = await fleet?.forget(prefix) ?? 0
        removed.evidenceFiles = evidence?.forget(prefix, ids) ?? 0
        return removed
    }
}
