// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The ledger as `/api/v1/ledger` tells it.
struct ReportedLedger: Decodable, Equatable {
    struct Count: Decodable, Equatable {
        let seen: Int
        /// Passed while another packet was processed on the same CPU.
        let missed: Int
        /// Passed while the agent did not renew its lease.
        let idle: Int
        let skipped: Int
        let recorded: [String: Int]
        let shed: [String: Int]
        let refused: [String: Int]
        let lost: [String: [String: Int]]

        var allRecorded: Int { recorded.values.reduce(0, +) }
        var allShed: Int { shed.values.reduce(0, +) }
        var allRefused: Int { refused.values.reduce(0, +) }
        var allLost: Int { lost.values.reduce(missed + idle) { $0 + $1.values.reduce(0, +) } }

        /// The sum of all accounted packets; it equals `seen` if none is missing.
        var accounted: Int { skipped + allRecorded + allShed + allRefused + allLost }
    }

    struct Row: Decodable, Equatable {
        let interface: String
        let direction: String
        let count: Count

        private enum CodingKeys: String, CodingKey {
            case interface
            case direction
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            interface = try container.decode(String.self, forKey: .interface)
            direction = try container.decode(String.self, forKey: .direction)
            count = try Count(from: decoder)
        }
    }

    let items: [Row]
    let total: Count
    let consumed: [String: Int]
    let inRing: Int
    /// By class: of how many flows one is looked at.
    let keptShare: [String: Double]
    let observed: Int
    let rejected: Int

    private enum CodingKeys: String, CodingKey {
        case items
        case total
        case consumed
        case inRing = "in_ring"
        case keptShare = "kept_share"
        case observed
        case rejected
    }

    var allConsumed: Int { consumed.values.reduce(0, +) }

    func row(_ interface: String, _ direction: String) -> Row? {
        items.first { $0.interface == interface && $0.direction == direction }
    }
}

extension Watcher {
    func ledger() throws -> ReportedLedger {
        try JSONDecoder().decode(ReportedLedger.self, from: try get("/api/v1/ledger"))
    }

    /// The ledger once nothing moves any more: no record waits, and half a second changed nothing.
    func restingLedger() throws -> ReportedLedger {
        var last: ReportedLedger?
        let resting = try waited(atMost: 60) { () -> ReportedLedger? in
            let now = try ledger()
            defer { last = now }
            if now == last, now.inRing == 0 {
                return now
            }
            usleep(500_000)
            return nil
        }
        guard let resting else {
            throw LabError("the ledger does not come to rest: \(String(describing: last))")
        }
        return resting
    }
}
