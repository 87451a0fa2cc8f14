// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Capture
internal import Diagnosis
internal import Packets
internal import Reporting

/// The packets of a stream while they wait for verdicts.
///
/// Each is held for the settle time of its own packet time, and all of them up to `byteLimit`; beyond it the oldest go
/// on before their time, which is counted. A verdict on a packet that has gone on is put on the next packet of its
/// flow, or of the host that it names, whichever comes first. At most `lateLimit` verdicts wait for one.
final class HeldPackets: CopiedBlockReceiver {
    private struct Held {
        var bytes: [UInt8]
        var kind: CopiedBlock.Kind
        var isSwapped: Bool
        var frame: UInt64
        /// Of a simple packet.
        var block: (ticks: UInt64, captured: Int)
        var time: UInt64 = 0
        var flow: UInt64 = 0
        var source: UInt64 = 0
    }

    /// A verdict whose packet has gone on.
    private struct Late {
        var text: [UInt8]
        var flow: UInt64
        var host: UInt64
        var isPlaced = false
    }

    static let byteLimit = 64 << 20
    static let lateLimit = 4096

    private let writer: BlockWriter
    private let output: AnnotationOutput
    private let hold: UInt64
    private let byteLimit: Int
    private var queue: [Held] = []
    /// The first of the queue that has not gone on.
    private var first = 0
    private var bytes = 0
    private var comments: [UInt64: [(id: String, text: [UInt8])]] = [:]
    /// The newest frame that has gone on.
    private var passed: UInt64 = 0
    private var late: [UInt64: Late] = [:]
    private var nextLate: UInt64 = 0
    /// The verdicts that wait for a packet, by the hash of a flow or host.
    private var waiting: [UInt64: [UInt64]] = [:]

    /// Packets that went on before their time.
    private(set) var hurried: UInt64 = 0
    /// Verdicts that were put on a later packet.
    private(set) var lateVerdicts: UInt64 = 0
    /// Verdicts for which there was no room.
    private(set) var forgotten: UInt64 = 0

    /// - `hold`: ns of packet time.
    init(to writer: BlockWriter, _ output: AnnotationOutput, hold: UInt64, byteLimit: Int = HeldPackets.byteLimit) {
        self.writer = writer
        self.output = output
        self.hold = hold
        self.byteLimit = byteLimit
    }

    /// Verdicts that no packet has come for.
    var unplaced: Int { late.count }

    // MARK: Blocks

    func receive(_ block: CopiedBlock) -> Int {
        guard block.isComplete else {
            // A block that is longer than the window waits for nobody, and nobody for it.
            release(upTo: .max)
            if block.isPacket { passed = block.frame }
            return writer.write(block, comments: [])
        }
        queue.append(
            Held(
                bytes: Array(block.bytes), kind: block.kind, isSwapped: block.isSwapped, frame: block.frame,
                block: block.simple))
        bytes += block.total
        return block.total
    }

    func receiveRest(_ bytes: UnsafeRawBufferPointer) {
        writer.receiveRest(bytes)
    }

    // MARK: Packets and verdicts

    /// Notes when the packets of a batch were captured, and whose they are.
    func note(_ batch: PacketBatch) {
        var index = first
        for packet in batch.packets {
            while index < queue.count, queue[index].frame < packet.frame { index += 1 }
            guard index < queue.count else { return }
            guard queue[index].frame == packet.frame else { continue }
            queue[index].time = packet.time
            queue[index].flow = Self.flow(packet.record.fiveTuple)
            queue[index].source = Self.hash(packet.record.source)
        }
    }

    /// Puts a verdict on its packet, or on a later one.
    func add(_ finding: Finding) {
        guard let frame = finding.frame else { return }
        guard frame <= passed else {
            // A revision takes the place of what it revises.
            comments[frame, default: []].removeAll { $0.id == finding.id }
            comments[frame, default: []].append((finding.id, Array(PacketComment.text(finding).utf8)))
            return
        }
        guard late.count < Self.lateLimit else {
            forgotten += 1
            return
        }
        let verdict = Late(
            text: Array(PacketComment.text(finding, isLate: true).utf8), flow: Self.flow(finding.fiveTuple),
            host: Self.hash(finding.fiveTuple.source))
        late[nextLate] = verdict
        waiting[verdict.flow, default: []].append(nextLate)
        waiting[verdict.host, default: []].append(nextLate)
        nextLate += 1
    }

    /// Lets the packets go on whose time is over at `now` (packet time, ns since 1970).
    func release(at now: UInt64) {
        release(upTo: now > hold ? now - hold : 0)
        while bytes > byteLimit, first < queue.count {
            hurried += queue[first].frame != 0 ? 1 : 0
            passFirst()
        }
        compact()
        output.flush()
    }

    /// Lets all packets go on.
    func releaseAll() {
        release(upTo: .max)
        compact()
    }

    private func release(upTo time: UInt64) {
        while first < queue.count, queue[first].frame == 0 || time == .max || queue[first].time < time { passFirst() }
    }

    private func passFirst() {
        let held = queue[first]
        queue[first].bytes = []
        first += 1
        bytes -= held.bytes.count
        var texts: [[UInt8]] = []
        if held.frame != 0 {
            passed = held.frame
            texts = comments.removeValue(forKey: held.frame)?.map(\.text) ?? []
            if !late.isEmpty { texts += lateComments(held) }
        }
        held.bytes.withUnsafeBytes { bytes in
            _ = writer.write(
                CopiedBlock(bytes, kind: held.kind, isSwapped: held.isSwapped, frame: held.frame, simple: held.block),
                comments: texts)
        }
    }

    private func lateComments(_ held: Held) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        for key in [held.flow, held.source] {
            for number in waiting.removeValue(forKey: key) ?? [] {
                guard let verdict = late.removeValue(forKey: number) else { continue }
                texts.append(verdict.text)
                lateVerdicts += 1
                // It waited under two keys.
                let other = key == verdict.flow ? verdict.host : verdict.flow
                waiting[other]?.removeAll { $0 == number }
                if waiting[other]?.isEmpty == true { waiting[other] = nil }
            }
        }
        return texts
    }

    private func compact() {
        guard first > 1024 || first == queue.count else { return }
        queue.removeFirst(first)
        first = 0
    }

    /// The same for both directions.
    private static func flow(_ tuple: FiveTuple) -> UInt64 {
        end(tuple.source, tuple.sourcePort) &+ end(tuple.destination, tuple.destinationPort)
    }

    private static func end(_ address: IPAddress, _ port: UInt16) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(address)
        hasher.combine(port)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    private static func hash(_ address: IPAddress) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(address)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
