// SPDX-License-Identifier: Apache-2.0
import Fleet

/// The records for a question to the fleet, and the times that it asks about, ns since 1970.
struct FleetInput {
    var data: FleetData
    /// The end of the time that is asked about: without one the newest record's time in files, else this machine's.
    var now: UInt64
    var since: UInt64?
    var until: UInt64?

    /// The resets of the realm and the times that are asked about.
    func resets(realm: String?) -> FleetResets {
        let findings = data.findings.filter { $0.time >= since ?? 0 && $0.time <= until ?? .max }
        return FleetResets(findings, realm: realm)
    }
}
