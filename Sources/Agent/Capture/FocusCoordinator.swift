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

    /// Before the engine gets the packets of a batch.
    mutating func begin(_ batch: PacketBatch, _ engine: inout Engine) {
        for drop in batch.drops { engine.observe(drop: drop) }
        if let (facts, counters) = inquirer?.take() {
            if let counters { engine.observe(counters: counters) }
            for fact in facts { engine.observe(facts: fact) }
        }
        guard batch.watermark >= nextLosses else { return }
        nextLosses = batch.watermark + Self.lossInterval
        let lostNow = source.ledger.total.allLost
        if lostNow != lost { engine.noteRecordLoss() }
        lost = lostNow
    }

    /// After it got them.
    mutating func end(_ batch: PacketBatch, _ engine: inout Engine) {
        for change in engine.takeFocus() {
            switch change {
            case .begin(let flow): engine.noteFocus(on: flow, since: source.focus(flow, isOn: true))
            case .end(let flow): _ = source.focus(flow, isOn: false)
            }
        }
        let questions = engine.takeQuestions()
        let wantsCounters = batch.watermark >= nextCounters
        if wantsCounters { nextCounters = batch.watermark + Self.countersInterval }
        inquirer?.ask(questions, wantsCounters: wantsCounters)
    }
}
