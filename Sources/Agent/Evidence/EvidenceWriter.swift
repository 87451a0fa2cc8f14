// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
internal import Dispatch
internal import Packets
internal import Reporting
internal import Synchronization

/// Writes evidence files on a thread of its own, so that a slow disk holds up no capture.
///
/// Removes what is too old, too. Takes what somebody has to look into. Of findings that say the same one in ten seconds
/// is enough, and at most `capacity` wait; what finds no room is not written.
package final class EvidenceWriter: Sendable {
    private struct Item: Sendable {
        var finding: Finding
        var packets: [EvidencePacket]
        var interfaceNames: [String]
    }

    private struct State {
        var waiting: [Item] = []
        var isClosed = false
        var repeats = EvidenceRepeats()
    }

    private let capacity = 64
    /// The interval between searches for evidence files that are too old.
    private static let pruningInterval = DispatchTimeInterval.seconds(60)
    private let directory: EvidenceDirectory
    private let state = Mutex(State())
    private let wakeup = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)
    private let problem: @Sendable (String) -> Void

    /// - `problem`: called for the first file that cannot be written.
    package init(_ directory: EvidenceDirectory, problem: @escaping @Sendable (String) -> Void) {
        self.directory = directory
        self.problem = problem
    }

    /// Begins to write.
    package func start() {
        do {
            try BlockingThread.start(named: "rstwho-evidence") {
                self.writeAll()
                self.done.signal()
            }
        } catch {
            problem("\(error). Findings are told all the same; their evidence is not kept")
            done.signal()
        }
    }

    /// Waits until everything is written, but not longer than `seconds`.
    package func finish(seconds: Int) {
        state.withLock { $0.isClosed = true }
        wakeup.signal()
        _ = done.wait(timeout: .now() + .seconds(seconds))
    }

    /// Takes findings just given, with their packets.
    ///
    /// Called on the capture thread; never waits.
    package func offer(
        _ findings: [Finding], _ engine: borrowing Engine, _ correction: ClockCorrection = ClockCorrection()
    ) {
        for finding in findings {
            // What was written of a finding is written anew when another verdict takes its place.
            guard finding.isProblem || (finding.revision > 0 && directory.contains(finding.id)) else { continue }
            let isWanted = state.withLock { state in
                state.waiting.count < capacity && !state.isClosed && state.repeats.admit(finding)
            }
            guard isWanted else { continue }
            let packets = engine.evidencePackets(of: finding).corrected(by: correction) { packet in
                packet.time = correction.time(packet.time)
            }
            guard !packets.isEmpty else { continue }
            var told = finding
            correction.apply(to: &told)
            let item = Item(finding: told, packets: packets, interfaceNames: engine.interfaceNames)
            state.withLock { $0.waiting.append(item) }
            wakeup.signal()
        }
    }

    private func writeAll() {
        var hasFailed = false
        while true {
            directory.prune(now: History.now())
            _ = wakeup.wait(timeout: .now() + Self.pruningInterval)
            let (items, isClosed) = state.withLock { state in
                defer { state.waiting = [] }
                return (state.waiting, state.isClosed)
            }
            for item in items {
                guard
                    let bytes = EvidenceFile.bytes(
                        item.finding, packets: item.packets, interfaceNames: item.interfaceNames,
                        version: AgentVersion.number)
                else { continue }
                do {
                    try directory.write(bytes, id: item.finding.id)
                } catch {
                    if !hasFailed { problem("\(error). Findings are told all the same; their evidence is not kept") }
                    hasFailed = true
                }
            }
            if isClosed { return }
        }
    }
}

/// The memory of recent findings, used to skip evidence files of repeats.
struct EvidenceRepeats {
    private struct Key: Hashable {
        var host: IPAddress
        var port: UInt16
        var cause: String?
        var origin: String?
    }

    /// ns.
    private static let window: UInt64 = 10_000_000_000
    private static let capacity = 4096

    private var last: [Key: (time: UInt64, id: String)] = [:]

    /// False for a repeat.
    ///
    /// A revision of what was admitted is admitted too.
    mutating func admit(_ finding: Finding) -> Bool {
        let key = Key(
            host: finding.reset?.serverIsSource == false ? finding.fiveTuple.destination : finding.fiveTuple.source,
            port: finding.servicePort, cause: finding.causeName, origin: finding.reset?.origin)
        let time = finding.time ?? 0
        if let earlier = last[key], earlier.id != finding.id, time >= earlier.time, time - earlier.time < Self.window {
            return false
        }
        if last.count >= Self.capacity { last = [:] }
        last[key] = (time, finding.id)
        return true
    }
}
