// SPDX-License-Identifier: Apache-2.0
import BPFHarness
import CPacket
import Fixtures
import Packets

/// Runs frames through the host parser and every program of the kernel part, and counts.
struct Comparison {
    var frames = 0
    var runs = 0
    /// The kernel takes no such frame for a test run: too short for a TC program, or too long.
    var notTaken = 0
    var records = 0
    var snapshots = 0
    var refusals = 0
    /// The first few differences, in words.
    var differences: [String] = []
    var differing = 0

    /// Time and interface slot are where the builds may differ.
    private static func sameRecord(_ left: packet_record, _ right: packet_record) -> Bool {
        var left = left
        var right = right
        left.time = 0
        right.time = 0
        left.interface = 0
        right.interface = 0
        return withUnsafeBytes(of: left) { left in withUnsafeBytes(of: right) { left.elementsEqual($0) } }
    }

    private static func sameSnapshot(_ left: header_snapshot, _ right: header_snapshot) -> Bool {
        var left = left
        var right = right
        left.time = 0
        right.time = 0
        return withUnsafeBytes(of: left) { left in withUnsafeBytes(of: right) { left.elementsEqual($0) } }
    }

    /// Whether `result` says of the frame what the host parser says.
    private static func agree(_ host: ParsedFrame, _ result: harness_result) -> Bool {
        guard result.seen == 1, result.lost == 0, result.shed == 0, result.recorded + result.refused == 1 else {
            return false
        }
        switch host {
        case .refused(let reason):
            return result.refused == 1 && result.records == 0 && result.refusal == reason.rawValue
        case .parsed(let record, let snapshot):
            guard result.recorded == 1, result.records == 1, sameRecord(record, result.record) else { return false }
            guard let snapshot else { return !result.has_snapshot }
            return result.has_snapshot && sameSnapshot(snapshot, result.snapshot)
        }
    }

    private static func passes(_ program: harness_program, _ result: harness_result) -> Bool {
        let isXDP = program == HARNESS_XDP || program == HARNESS_XDP_FRAGS
        return result.verdict == (isXDP ? 2 : UInt32.max)
    }

    mutating func add(_ name: @autoclosure () -> String, _ bytes: [UInt8], _ programs: borrowing KernelPrograms) {
        let host = ParsedFrame(bytes)
        frames += 1
        for program in KernelPrograms.all {
            guard let result = programs.run(program, bytes) else {
                notTaken += 1
                continue
            }
            runs += 1
            records += Int(result.records)
            snapshots += result.has_snapshot ? 1 : 0
            refusals += Int(result.refused)
            if Self.agree(host, result) && Self.passes(program, result) { continue }
            differing += 1
            if differences.count < 10 {
                let kernel =
                    result.records == 1
                    ? ParsedFrame.parsed(result.record, result.has_snapshot ? result.snapshot : nil)
                    : ParsedFrame.refused(packet_refusal(rawValue: result.refusal))
                differences.append(
                    "\(name()), \(bytes.count) bytes, \(KernelPrograms.name(program)): host says \(host), kernel \(kernel)"
                        + " (verdict \(result.verdict), seen \(result.seen), lost \(result.lost))")
            }
        }
    }

    /// The counts as a line for the test's log.
    var summary: String {
        "\(frames) frames, \(runs) runs (\(notTaken) not taken by the kernel): \(records) records, \(snapshots) of them "
            + "with a snapshot, \(refusals) refusals; \(differing) differ"
    }
}
