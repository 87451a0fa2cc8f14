// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Capture
import Diagnosis
import Glibc
import Packets
import Reporting

/// Reads several captures into one engine and prints what it finds.
struct ReadSession: ~Copyable {
    /// `nil` where findings are not printed.
    private let format: OutputOptions.Format?
    private var engine: Engine
    private var output = StandardOutput()
    private var report: TextReport
    private(set) var status = ExitStatus.ok
    private var packets: UInt64 = 0
    /// False until a capture could be opened: of nothing there is no summary.
    private(set) var hasRead = false
    private var progress = ProgressLine()
    /// One table for all texts: the engine is one.
    private var names = TextNames()
    private var hostNames: [IPAddress: String] = [:]
    /// The addresses that stand for names in texts, as the texts have them.
    private(set) var addressNames: [IPAddress: String] = [:]
    /// Packets of which nothing is known, and why.
    private var unread: [TextReport.Unread] = []
    /// A sentence for the end of a text that tells no TTLs.
    private var note: String?
    private var opening = OpeningFacts()
    /// Lines of conntrack(8) in texts.
    private var tracking = TrackingFacts()
    private let evidence: EvidenceDirectory?
    private let privacy: AddressPrivacy
    /// A file that is followed, until it was said that more is waited for.
    private var waiting: String?

    /// The newest findings, where they are kept; each in its last revision.
    private(set) var kept: FindingStore?
    /// The capture time of the newest packet, in ns since 1970; 0 if no capture has times.
    private(set) var newest: UInt64 = 0

    /// The known hosts, the one seen last first.
    var hosts: [HostSummary] { engine.hostSnapshot.summaries() }

    /// The devices that sent resets for others.
    var origins: [Origin] { engine.origins }

    /// The ways that connections took.
    var paths: [PathSummary] { engine.pathSnapshot.summaries() }

    /// - `kept`: findings that are kept, at most; 0 where none are wanted.
    /// - `evidence`: where the packets behind problems are kept.
    /// - `privacy`: how addresses leave in what is printed; names that stand for addresses are hidden from the start.
    init(
        format: OutputOptions.Format?, engineOptions: Engine.Options, kept: Int = 0,
        evidence: EvidenceDirectory? = nil, privacy: AddressPrivacy
    ) {
        self.format = format
        self.privacy = privacy
        self.evidence = evidence
        if kept > 0 { self.kept = FindingStore(capacity: kept) }
        engine = Engine(options: engineOptions)
        report = TextReport(isColoured: output.isColoured, drawing: output.style.drawing)
    }

    /// Findings of captures that are kept for being listed; of more the newest.
    private static let listed = 1 << 17

    /// Reads captures for what they are asked about; prints nothing of what is found.
    static func reading(
        _ files: [String], _ tables: TableOptions, _ privacy: AddressPrivacy
    ) throws -> ReadSession {
        var session = ReadSession(
            format: nil, engineOptions: try tables.engineOptions(), kept: listed, privacy: privacy)
        let files = CaptureSet.files(files)
        for file in files { try session.read(file, name: files.count > 1 ? file : nil) }
        _ = try session.finish()
        if let forgotten = session.kept?.forgotten, forgotten > 0 {
            printMessage("\(forgotten) of the oldest findings were not kept: name fewer captures")
        }
        return session
    }

    /// Whether files that somebody writes to are read until their writers close them.
    var follows = false

    /// Reads one capture.
    ///
    /// What is wrong with it is said on standard error and kept as status; findings before it stand.
    ///
    /// - `name`: What findings call it, where several are read.
    mutating func read(_ file: String, name: String?) throws {
        do {
            var capture = try CaptureFile.open(file == "-" ? .standardInput : .path(file), follows: follows)
            hasRead = true
            waiting = capture.isGrowing ? file : nil
            if capture.isBeingWritten, !follows {
                printMessage("\(file): this is still being written: read as far as it goes now")
            }
            engine.handle(.source(file: name, isLive: capture.isLive))
            if capture.isLive { surviveFirstInterrupt() }
            progress.begin()
            if capture.format == .text {
                try readText(file, capture)
            } else {
                try readFrames(&capture)
            }
        } catch let error as CaptureError {
            progress.clear()
            printMessage(error.description)
            status = .worst(status, ExitStatus(error))
        } catch let error as OutputError {
            throw error.exitCode
        }
        progress.clear()
    }

    /// Settles what is open, prints the summary.
    ///
    /// Returns the exit status.
    mutating func finish() throws -> ExitStatus {
        engine.handle(.end)
        do throws(OutputError) {
            try give()
            let hasSummary = hasRead && (packets > 0 || !unread.isEmpty || status == .ok)
            if unread.contains(where: { $0.count > 0 }), status == .ok { status = .badInput }
            if format == .text, hasSummary {
                try output.write(
                    privacy.apply(
                        to: report.summary(packets: packets, unread: unread, note: note, opening: opening.text)))
                try output.write(privacy.apply(to: tracking.text))
            }
            try output.flush()
        } catch {
            throw error.exitCode
        }
        return status
    }

    private mutating func readFrames(_ capture: inout CaptureFile) throws {
        let (isLive, size) = (capture.isLive, capture.progress.total)
        defer {
            packets += capture.counters.frames
            noteUnread(capture.counters)
        }
        try capture.read(hashing: engine.hashing) { batch in try take(batch, isLive: isLive, size: size) }
    }

    private mutating func readText(_ file: String, _ capture: consuming CaptureFile) throws {
        var text = PacketText(capture, names: names)
        let (isLive, size) = (text.isLive, text.progress.total)
        defer {
            packets += text.counts.packets &+ text.counts.unreadLines
            names = text.parser.names
            addressNames = text.parser.hostNames
            noteUnread(text.counts, program: text.parser.program)
            tracking.add(text.parser.tracked)
        }
        try text.read { batch in
            hostNames = privacy.apply(to: batch.hostNames)
            try take(batch, isLive: isLive, size: size)
        }
        if let problem = text.firstProblem {
            printMessage("\(file): line \(problem.line) was not understood: \(problem.reason)")
        } else if let unread = text.parser.firstUnread {
            printMessage("\(file): line \(unread.line) looks like a packet and was not read: \(unread.reason)")
        }
    }

    /// Keeps what of a text was not read, for the end.
    private mutating func noteUnread(_ counts: TextCounts, program: String?) {
        let quiet = program == "tcpdump" ? " (leave out tcpdump's -q)" : ""
        unread += [
            TextReport.Unread(counts.withoutFlags, "printed without their flags\(quiet)"),
            TextReport.Unread(counts.notUnderstood, "not understood"),
            TextReport.Unread(counts.unreadLines, "in lines of a format that is not read"),
            TextReport.Unread(counts.longLines, "in lines that are too long"),
        ].filter { $0.count > 0 }
        if counts.withoutTTL > 0 {
            let how = program == "tcpdump" ? "tcpdump -v prints it" : "a capture file has it"
            note =
                "The text does not tell the TTL of \(Counted.packets(counts.withoutTTL)), from which a sender's distance follows: \(how)."
        }
    }

    /// Keeps what of a capture was not decoded, for the end.
    private mutating func noteUnread(_ counters: CaptureFileCounters) {
        unread += [
            TextReport.Unread(counters[.unknownLinkType], "of a link type that is not decoded"),
            TextReport.Unread(counters[.wirelessEncrypted], "encrypted by the wireless network"),
            TextReport.Unread(counters[.wirelessAggregated], "several in one wireless frame"),
        ].filter { $0.count > 0 }
    }

    private mutating func take(_ batch: PacketBatch, isLive: Bool, size: UInt64?) throws(OutputError) {
        engine.handle(.batch(Engine.Batch(batch)))
        opening.add(batch.packets)
        if batch.packets.isEmpty, let file = waiting {
            waiting = nil
            progress.clear()
            printMessage("\(file): this is still being written, waiting for more; Ctrl-C ends")
        }
        newest = max(newest, batch.watermark)
        try give()
        if isLive { try output.flush() } else { progress.show(read: batch.bytesRead, total: size) }
    }

    /// Prints what the engine has found.
    private mutating func give() throws(OutputError) {
        while let next = engine.poll() {
            // A file's flows are neither put into focus nor looked up.
            guard case .finding(var finding) = next else { continue }
            finding.names = hostNames
            tracking.note(finding.fiveTuple)
            if finding.isProblem {
                status = .worst(status, .found)
                keepEvidence(of: finding)
            }
            kept?.add(finding)
            progress.clear()
            switch format {
            case .json: try output.write(privacy.apply(to: JSONLines.line(finding)))
            case .text: try output.write(privacy.apply(to: report.text(finding)))
            case nil: break
            }
        }
    }

    /// The packets behind a finding as a capture file; `nil` where there are none, or not any more.
    func evidenceFile(of finding: Finding) -> [UInt8]? {
        EvidenceFile.bytes(
            finding, packets: engine.evidencePackets(of: finding), interfaceNames: engine.interfaceNames,
            version: AgentVersion.number)
    }

    private mutating func keepEvidence(of finding: Finding) {
        guard let evidence, let bytes = evidenceFile(of: finding) else { return }
        do {
            try evidence.write(bytes, id: finding.id)
        } catch {
            progress.clear()
            printMessage("\(error)")
            status = .worst(status, .ioError)
        }
    }

    /// Ctrl-C ends the `tcpdump` before the pipe, and the pipe's end then ends this: so that open findings are still
    /// printed, the first one is ignored here.
    ///
    /// The second ends it.
    private func surviveFirstInterrupt() {
        signal(SIGINT) { _ in signal(SIGINT, SIG_DFL) }
        signal(SIGPIPE, SIG_IGN)
    }
}
