// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Capture
package import Diagnosis
internal import Glibc
internal import Packets
internal import Reporting

/// Copies a capture as pcapng with the verdicts as comments of the packets that they are about.
///
/// A file is read twice, first for the verdicts, in constant memory. A pipe is read once: packets are held until their
/// resets are settled.
package struct CaptureAnnotator: ~Copyable {
    /// The outcome of an annotation.
    package struct Result: Sendable {
        /// Packets written.
        package var packets: UInt64 = 0
        /// Comments written.
        package var comments: UInt64 = 0
        /// Findings of which a comment was written or should have been.
        package var findings: UInt64 = 0
        /// True where one of them is a problem.
        package var hasProblem = false
        /// Verdicts that were put on a later packet than their own.
        package var late: UInt64 = 0
        /// Verdicts that no packet came for, or for which there was no room.
        package var leftOut: UInt64 = 0
        /// Packets that could not be held for as long as verdicts take.
        package var hurried: UInt64 = 0
        /// The damage at which the capture was left; what came before it was written.
        package var damage: CaptureError?

        package init() {}
    }

    private let options: Engine.Options
    private let application: String

    /// - `application`: this program and its version.
    package init(options: Engine.Options, application: String) {
        var options = options
        // Nobody asks this engine for packets.
        options.evidenceBytes = 0
        self.options = options
        self.application = application
    }

    // MARK: Files

    /// Annotates the capture in `descriptor`, a regular file, which stays open.
    ///
    /// - Throws: `CaptureError` where nothing can be read of it. Failures of the output are the output's to tell.
    package func annotate(file descriptor: Int32, name: String, to output: AnnotationOutput) throws -> Result {
        var result = Result()
        var index = AnnotationIndex()
        var names = PacketComment.names(options.devices)
        try findings(descriptor, name, &result) { finding in
            // A finding of no packet has none to be on.
            guard let frame = finding.frame else { return }
            index.add(PacketComment.text(finding), frame: frame, id: finding.id)
            for (address, name) in PacketComment.names(finding)
            where names.count < NameBlock.limit && names[address] == nil {
                names[address] = name
            }
        }
        index.seal()
        result.leftOut = index.leftOut
        try copy(descriptor, name, &index, names, to: output, &result)
        return result
    }

    /// The first pass.
    private func findings(
        _ descriptor: Int32, _ name: String, _ result: inout Result, _ handle: (Finding) -> Void
    ) throws {
        var capture = try Self.open(descriptor, name)
        var engine = Engine(options: options)
        engine.handle(.source(file: name, isLive: false))
        do {
            try capture.read(hashing: engine.hashing) { batch in
                engine.handle(.batch(Engine.Batch(batch.packets, hashes: batch.hashes, upTo: batch.watermark)))
                Self.poll(&engine, &result, handle)
            }
        } catch let error as CaptureError {
            result.damage = error
        }
        engine.handle(.end)
        Self.poll(&engine, &result, handle)
    }

    /// The second pass.
    private func copy(
        _ descriptor: Int32, _ name: String, _ index: inout AnnotationIndex, _ names: [IPAddress: String],
        to output: AnnotationOutput, _ result: inout Result
    ) throws {
        var capture = try Self.open(descriptor, name)
        let writer = BlockWriter(to: output)
        writer.names = Self.sorted(names)
        let copier = CaptureCopier(
            to: writer, application: application,
            comment: "Annotated by \(application): \(index.count) \(index.count == 1 ? "verdict" : "verdicts").")
        try withIndex(&index) { index in
            writer.comments = { index.pointee.comments(of: $0) }
            defer { writer.comments = { _ in [] } }
            do {
                try capture.read(copyingTo: copier) { _ in
                    if output.failure != nil { throw Stop() }
                }
            } catch let error as CaptureError {
                result.damage = error
            } catch is Stop {
                // The output tells.
            }
        }
        if copier.isInsideBlock { output.cut(to: writer.blockBegin) }
        result.packets = writer.packets
        result.comments = writer.commented
    }

    private struct Stop: Error {}

    private func withIndex(
        _ index: inout AnnotationIndex, _ body: (UnsafeMutablePointer<AnnotationIndex>) throws -> Void
    ) rethrows {
        try withUnsafeMutablePointer(to: &index) { try body($0) }
    }

    private static func open(_ descriptor: Int32, _ name: String) throws -> CaptureFile {
        lseek(descriptor, 0, SEEK_SET)
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else {
            throw CaptureError(.ioError, subject: name, problem: String(cString: strerror(errno)), errno: errno)
        }
        let capture = try CaptureFile.open(.descriptor(copy, name: name), follows: false)
        try checkFormat(capture.format, name)
        return capture
    }

    /// - Throws: `badInput` for what has no packets to comment, or in a form that is not rewritten.
    private static func checkFormat(_ format: CaptureFormat, _ name: String) throws(CaptureError) {
        switch format {
        case .pcap, .pcapng: return
        case .text:
            throw CaptureError(
                .badInput, subject: name, problem: "this is text, which has no packets to comment",
                advice: "Annotate the capture itself, or read the text with rstwho read")
        default:
            throw CaptureError(
                .badInput, subject: name, problem: "this is neither pcap nor pcapng",
                advice: "Convert it first: editcap -F pcapng IN OUT")
        }
    }

    // MARK: Streams

    /// Annotates a capture that comes through `capture` as it comes.
    ///
    /// - `byteLimit`: bytes of packets that are held at most.
    /// - Throws: `CaptureError` where it is no capture.
    package func annotate(
        stream capture: inout CaptureFile, name: String, to output: AnnotationOutput,
        byteLimit: Int = 64 << 20
    ) throws -> Result {
        try Self.checkFormat(capture.format, name)
        var result = Result()
        var engine = Engine(options: options)
        engine.handle(.source(file: name, isLive: true))
        let writer = BlockWriter(to: output)
        writer.names = Self.sorted(PacketComment.names(options.devices))
        let held = HeldPackets(to: writer, output, hold: options.settleTime, byteLimit: byteLimit)
        let copier = CaptureCopier(
            to: held, application: application, comment: "Annotated by \(application) while it was captured.")
        do {
            try capture.read(copyingTo: copier) { batch in
                held.note(batch)
                engine.handle(.batch(Engine.Batch(batch.packets, upTo: batch.watermark)))
                Self.poll(&engine, &result) { held.add($0) }
                held.release(at: batch.watermark)
                if output.failure != nil { throw Stop() }
            }
        } catch let error as CaptureError {
            result.damage = error
        } catch is Stop {
            return result
        }
        engine.handle(.end)
        Self.poll(&engine, &result) { held.add($0) }
        held.releaseAll()
        if copier.isInsideBlock { output.cut(to: writer.blockBegin) }
        result.packets = writer.packets
        result.comments = writer.commented
        result.late = held.lateVerdicts
        result.leftOut = held.forgotten + UInt64(held.unplaced)
        result.hurried = held.hurried
        return result
    }

    // MARK: Both

    private static func poll(_ engine: inout Engine, _ result: inout Result, _ handle: (Finding) -> Void) {
        while let next = engine.poll() {
            guard case .finding(let finding) = next else { continue }
            if finding.revision == 0 { result.findings += 1 }
            result.hasProblem = result.hasProblem || finding.isProblem
            handle(finding)
        }
    }

    /// By address, so that the same input gives the same output.
    private static func sorted(_ names: [IPAddress: String]) -> [(address: IPAddress, name: String)] {
        names.map { ($0.key, $0.value) }.sorted {
            ($0.address.high, $0.address.low) < ($1.address.high, $1.address.low)
        }
    }
}
