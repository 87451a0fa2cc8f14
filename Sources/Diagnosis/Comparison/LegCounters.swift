// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The counters of a leg while packets are processed.
struct LegCounters {
    /// More delays than this are thinned out.
    private static let delays = 1 << 18
    /// Different changes of one field that are told apart.
    private static let changes = 64

    var leg: Comparison.Leg
    private var delays: [Int64] = []
    private var step = 1
    private var next = 0
    private var ttl: [UInt16: Int] = [:]
    private var dscp: [UInt16: Int] = [:]
    private var segmentSizes: [UInt32: Int] = [:]
    private var renumbered = 0
    /// By field: options of SYNs and SYN-ACKs before and behind.
    private var options: [Comparison.Rewrite.Field: [OptionChange: Int]] = [:]
    private var translated: [Comparison.Rewrite.Field: [Translation: Int]] = [:]
    private var shifted: [UInt32: Int] = [:]
    private var shiftedDirections: Set<UInt32> = []
    private var translatedDirections: Set<UInt32> = []

    private struct OptionChange: Hashable {
        var from: String
        var to: String
    }

    fileprivate struct Translation: Hashable {
        var from: IPAddress
        var fromPort: UInt16
        var to: IPAddress
        var toPort: UInt16
    }

    init(from: Int, to: Int) {
        leg = Comparison.Leg(from: from, to: to)
    }

    /// A packet passed.
    mutating func add(_ first: ComparedPacket, _ second: ComparedPacket, delay: Int64?) {
        leg.passed[first.kind] += 1
        if let delay { add(delay) }
        if first.lastTTL != 0, second.ttl != 0 {
            Self.count(&ttl, UInt16(bitPattern: Int16(first.lastTTL) - Int16(second.ttl)))
        }
        if first.tos >> 2 != second.tos >> 2 {
            Self.count(&dscp, UInt16(first.tos >> 2) << 8 | UInt16(second.tos >> 2))
        }
        if first.segmentSize != second.segmentSize, first.segmentSize != 0, second.segmentSize != 0 {
            Self.count(&segmentSizes, UInt32(first.segmentSize) << 16 | UInt32(second.segmentSize))
        }
        if first.identification != second.identification { renumbered += 1 }
    }

    private static func count(_ changes: inout [UInt16: Int], _ change: UInt16) {
        if changes[change] != nil || changes.count < Self.changes { changes[change, default: 0] += 1 }
    }

    private static func count(_ changes: inout [UInt32: Int], _ change: UInt32) {
        if changes[change] != nil || changes.count < Self.changes { changes[change, default: 0] += 1 }
    }

    /// A SYN or SYN-ACK passed: `ComparedCapture.Opening.options` at both points.
    mutating func addOptions(_ before: UInt16, _ after: UInt16) {
        guard before != after else { return }
        let (first, second) = (SYNOptions(rawValue: before & 0x81ff), SYNOptions(rawValue: after & 0x81ff))
        func presence(_ isThere: Bool) -> String { isThere ? "present" : "absent" }
        noteOption(
            .windowScale, first.windowScale.map { "\($0)" } ?? "absent", second.windowScale.map { "\($0)" } ?? "absent")
        noteOption(
            .selectiveAcknowledgement, presence(first.allowsSelectiveAcknowledgement),
            presence(second.allowsSelectiveAcknowledgement))
        noteOption(.timestamps, presence(first.hasTimestamps), presence(second.hasTimestamps))
        noteOption(.signature, first.signature?.label ?? "absent", second.signature?.label ?? "absent")
        noteOption(.multipath, presence(first.isMultipath), presence(second.isMultipath))
        noteOption(.congestion, presence(before & 0x3000 != 0), presence(after & 0x3000 != 0))
    }

    private mutating func noteOption(_ field: Comparison.Rewrite.Field, _ from: String, _ to: String) {
        if from != to { options[field, default: [:]][OptionChange(from: from, to: to), default: 0] += 1 }
    }

    /// A direction of a connection has other sequence numbers behind the leg.
    mutating func addShift(_ amount: UInt32, direction: UInt32) {
        guard amount != 0, shiftedDirections.count < 1 << 20, shiftedDirections.insert(direction).inserted else {
            return
        }
        Self.count(&shifted, amount)
    }

    /// A direction of a connection has other addresses or ports behind the leg.
    mutating func addTranslation(_ before: FiveTuple, _ after: FiveTuple, direction: UInt32) {
        guard before != after, translatedDirections.count < 1 << 20,
            translatedDirections.insert(direction).inserted
        else { return }
        let ends: [(Comparison.Rewrite.Field, Translation)] = [
            (
                .source,
                Translation(
                    from: before.source, fromPort: before.sourcePort, to: after.source, toPort: after.sourcePort)
            ),
            (
                .destination,
                Translation(
                    from: before.destination, fromPort: before.destinationPort, to: after.destination,
                    toPort: after.destinationPort)
            ),
        ]
        for (field, change) in ends where change.from != change.to || change.fromPort != change.toPort {
            guard translated[field, default: [:]][change] != nil || translated[field, default: [:]].count < Self.changes
            else { continue }
            translated[field, default: [:]][change, default: 0] += 1
        }
    }

    private mutating func add(_ delay: Int64) {
        if next > 0 {
            next -= 1
            return
        }
        next = step - 1
        delays.append(delay)
        guard delays.count == Self.delays else { return }
        step *= 2
        delays = stride(from: 0, to: delays.count, by: 2).map { delays[$0] }
    }

    /// The leg with all that was counted.
    func result(isSeparable: Bool) -> Comparison.Leg {
        var leg = leg
        if !delays.isEmpty {
            let sorted = delays.sorted()
            let base = isSeparable ? 0 : sorted[0]
            leg.delay = Comparison.Delay(
                smallest: sorted[0] &- base, median: sorted[sorted.count / 2] &- base,
                high: sorted[min(sorted.count - 1, sorted.count * 99 / 100)] &- base, samples: sorted.count,
                isAbsolute: isSeparable)
        }
        leg.rewritten = rewrites(passed: leg.passed.total)
        return leg
    }

    private func rewrites(passed: Int) -> [Comparison.Rewrite] {
        var all: [Comparison.Rewrite] = []
        if let change = commonest(ttl), change.value != 0 {
            let difference = Int16(bitPattern: change.value)
            all.append(
                Comparison.Rewrite(
                    field: .ttl, from: "0", to: "\(-difference)", count: change.count,
                    others: ttl.values.reduce(0, +) - change.count))
        }
        if let change = commonest(dscp) {
            all.append(
                Comparison.Rewrite(
                    field: .dscp, from: "\(change.value >> 8)", to: "\(change.value & 0xff)", count: change.count,
                    others: dscp.values.reduce(0, +) - change.count))
        }
        if let change = commonest(segmentSizes) {
            all.append(
                Comparison.Rewrite(
                    field: .segmentSize, from: "\(change.value >> 16)", to: "\(change.value & 0xffff)",
                    count: change.count, others: segmentSizes.values.reduce(0, +) - change.count))
        }
        for field in Comparison.Rewrite.Field.allCases {
            guard let changes = options[field],
                let change = changes.max(by: { ($0.value, $1.key.from) < ($1.value, $0.key.from) })
            else { continue }
            all.append(
                Comparison.Rewrite(
                    field: field, from: change.key.from, to: change.key.to, count: change.value,
                    others: changes.values.reduce(0, +) - change.value))
        }
        if let change = commonest(shifted) {
            all.append(
                Comparison.Rewrite(
                    field: .sequence, from: "0", to: "+\(change.value)", count: change.count,
                    others: shiftedDirections.count - change.count))
        }
        for field in [Comparison.Rewrite.Field.source, .destination] {
            guard let changes = translated[field],
                let change = changes.max(by: { ($0.value, $1.key.text) < ($1.value, $0.key.text) })
            else { continue }
            let (from, to) = change.key.ends
            all.append(
                Comparison.Rewrite(
                    field: field, from: from, to: to, count: change.value,
                    others: changes.values.reduce(0, +) - change.value))
        }
        // Few are what a retransmission that was matched by time looks like.
        if renumbered * 2 > passed {
            all.append(Comparison.Rewrite(field: .identification, from: "", to: "", count: renumbered))
        }
        return all
    }

    private func commonest<Change: UnsignedInteger & Comparable>(_ changes: [Change: Int]) -> (
        value: Change, count: Int
    )? {
        changes.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
    }
}

extension LegCounters.Translation {
    fileprivate var ends: (from: String, to: String) {
        (Self.text(from, fromPort), Self.text(to, toPort))
    }

    fileprivate var text: String { ends.from + ends.to }

    private static func text(_ address: IPAddress, _ port: UInt16) -> String {
        address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}
