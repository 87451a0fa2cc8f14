// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Diagnosis
internal import Packets

/// The exchange between engine, capture and kernel about forwarded packets: flows to focus, dropped packets, kernel
/// facts.
///
/// On the capture thread.
struct FocusCoordinator<Source: CaptureSource>: ~Copyable {
    /// Between looks at the capture's losses, and at the stack's counters, ns of packet time.
    private static var lossInterval: UInt64 { 100_000_000 }
    private static var countersInterval: UInt64 { 1_000_000_000 }

    private let source: Source
    private let inquirer: ConntrackLookup?
    private var lost: UInt64 = 0
    private var nextLosses: UInt64 = 0
    private var nextCounters: UInt64 = 0

    init(source: Source, inquirer: ConntrackLookup?) {
        self.source = source
        self.inquirer = inquirer
    }

    /// Drives the engine through a batch, and returns the findings that come of it.
    mutating func drive(_ batch: PacketBatch, _ engine: inout Engine) -> [Finding] {
        if let (facts, counters) = inquirer?.take() {
            if let counters { engine.handle(.counters(counters)) }
            for fact in facts { engine.handle(.facts(fact)) }
        }
        var input = Engine.Batch(batch)
        input.hasLostRecords = hasLost(by: batch.watermark)
        engine.handle(.batch(input))
        var questions: [FiveTuple] = []
        let findings = poll(&engine, &questions)
        let wantsCounters = batch.watermark >= nextCounters
        if wantsCounters { nextCounters = batch.watermark + Self.countersInterval }
        inquirer?.ask(questions, wantsCounters: wantsCounters)
        return findings
    }

    /// Ends the capture, and returns the findings that were still open.
    mutating func end(_ engine: inout Engine) -> [Finding] {
        engine.handle(.end)
        var questions: [FiveTuple] = []
        return poll(&engine, &questions)
    }

    private func poll(_ engine: inout Engine, _ questions: inout [FiveTuple]) -> [Finding] {
        var findings: [Finding] = []
        while let output = engine.poll() {
            switch output {
            case .finding(let finding): findings.append(finding)
            case .lookUp(let flow): questions.append(flow)
            case .focus(.begin(let flow)): engine.handle(.focus(flow, since: source.focus(flow, isOn: true)))
            case .focus(.end(let flow)): _ = source.focus(flow, isOn: false)
            }
        }
        return findings
    }

    /// Whether the capture lost records since the last look; looked at now and then.
    private mutating func hasLost(by time: UInt64) -> Bool {
        guard time >= nextLosses else { return false }
        nextLosses = time + Self.lossInterval
        let before = lost
        lost = source.ledger.total.allLost
        return lost != before
    }
}
