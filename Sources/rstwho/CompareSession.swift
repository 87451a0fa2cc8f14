// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import Diagnosis
import Dispatch
import Packets
import Synchronization

/// Reads several captures at once, each with an engine of its own for its resets, and compares them.
struct CompareSession: ~Copyable {
    /// Resets of one capture whose findings are kept for the comparison.
    private static let resets = 20_000

    private let names: [PointName]
    private let capacity: Int
    /// Known by their addresses: hops and neighbours are others at each point.
    private let devices: DeviceNames
    /// The worst that happened.
    private(set) var status = ExitStatus.ok

    /// - `capacity`: Packets of one capture at most.
    init(_ names: [PointName], capacity: Int, devices: DeviceNames) {
        self.devices = DeviceNames(devices.entries.filter { $0.address != nil && $0.hop == nil && $0.mac == nil })
        self.names = names
        self.capacity = capacity
    }

    /// The result of reading one capture on its thread.
    ///
    /// Unchecked: the thread that fills it hands it over, and never looks at it again.
    private struct Reading: @unchecked Sendable {
        var capture: ComparedCapture?
        var resets: [UInt64: Finding] = [:]
        var error: CaptureError?
        var note: String?
    }

    /// Whether the captures can be read at all, for a status when they are not compared.
    mutating func check() {
        for name in names {
            do throws(CaptureError) {
                _ = try CaptureFile.open(name.file == "-" ? .standardInput : .path(name.file), follows: false)
            } catch {
                printMessage(error.description)
                status = .worst(status, ExitStatus(error))
            }
        }
    }

    /// The comparison, or `nil` where there is nothing to compare, which was said.
    mutating func compare() -> Comparison? {
        var captures: [ComparedCapture] = []
        var resets: [[UInt64: Finding]] = []
        for reading in readAll() {
            if let note = reading.note { printMessage(note) }
            if let error = reading.error {
                printMessage(error.description)
                status = .worst(status, ExitStatus(error))
            }
            guard let capture = reading.capture else { continue }
            if capture.refused > 0 {
                printMessage(
                    "\(capture.name): \(capture.refused) packets are more than --max-packets allows; those before are compared"
                )
                status = .worst(status, .badInput)
            }
            captures.append(capture)
            resets.append(reading.resets)
        }
        guard captures.count > 1 else {
            if status == .ok { status = .badInput }
            if let only = captures.first {
                printMessage("only \(only.name) could be read: one capture alone cannot be compared")
            }
            return nil
        }
        var comparison = Comparison(captures, resets: resets, seed: .random(in: .min ... .max))
        comparison.name(by: devices)
        let unrelatedPoints = comparison.unrelatedPoints
        for unrelatedPoint in unrelatedPoints {
            printMessage(
                "\(comparison.points[unrelatedPoint].name): no packet that it holds (\(comparison.points[unrelatedPoint].packets)) is in "
                    + "another capture: it was taken at another time or of other traffic, or nothing gets through to there. "
                    + "A ping along the path during all captures tells which")
            status = .worst(status, .badInput)
        }
        guard unrelatedPoints.count < comparison.points.count else { return nil }
        if comparison.findings.contains(where: \.isProblem) { status = .worst(status, .found) }
        return comparison
    }

    /// Every capture by a thread of its own, as many at once as there are cores.
    private func readAll() -> [Reading] {
        let names = names
        let capacity = capacity
        let seed = UInt64.random(in: .min ... .max)
        let readings = Mutex<[Int: Reading]>([:])
        DispatchQueue.concurrentPerform(iterations: names.count) { index in
            let reading = Self.read(names[index], capacity: capacity, seed: seed)
            readings.withLock { $0[index] = reading }
        }
        return readings.withLock { readings in names.indices.compactMap { readings[$0] } }
    }

    private static func read(_ name: PointName, capacity: Int, seed: UInt64) -> Reading {
        var reading = Reading()
        do {
            var file = try CaptureFile.open(
                name.file == "-" ? .standardInput : .path(name.file), follows: false)
            let capture = ComparedCapture(
                name: name.name, seed: seed, capacity: capacity, hasAllSequenceNumbers: file.format != .text)
            reading.capture = capture
            if file.isBeingWritten {
                reading.note = "\(name.file): this is still being written: compared as far as it goes now"
            }
            var engine = Engine()
            engine.handle(.source(file: nil, isLive: false))
            func take(_ batch: PacketBatch) {
                capture.add(batch.packets, upTo: batch.watermark)
                engine.handle(.batch(Engine.Batch(batch)))
                keep(&engine, in: &reading)
            }
            if file.format == .text {
                var text = PacketText(file)
                try text.read { take($0) }
                if let problem = text.firstProblem {
                    reading.note = "\(name.file): line \(problem.line) was not understood: \(problem.reason)"
                }
            } else {
                try file.read { take($0) }
            }
            engine.handle(.end)
            keep(&engine, in: &reading)
        } catch let error as CaptureError {
            reading.error = error
        } catch {
            reading.error = CaptureError(.ioError, subject: name.file, problem: "\(error)")
        }
        return reading
    }

    private static func keep(_ engine: inout Engine, in reading: inout Reading) {
        while let output = engine.poll() {
            guard case .finding(let finding) = output, finding.reset != nil, let frame = finding.frame,
                reading.resets.count < resets
            else { continue }
            reading.resets[frame] = finding
        }
    }
}
