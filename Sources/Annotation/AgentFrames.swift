// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Capture
package import Diagnosis
internal import Packets
internal import Reporting

/// The findings of an agent as a pcapng stream: the packets behind each, with the verdict as a comment.
///
/// An agent keeps headers only, so frames are cut, and those of bulk are rebuilt from what is kept of them; each
/// says so. A packet that several findings rest on is shown once, as far as the newest `remembered` packets tell.
package struct AgentFrames {
    private static let remembered = 8192
    private static let interfaceLimit = 256

    private let version: String
    /// Numbers of interfaces by their description blocks.
    private var interfaces: [[UInt8]: UInt32] = [:]
    private var seen: Set<Int> = []
    private var order: [Int] = []
    private var oldest = 0

    /// - `version`: of this program.
    package init(version: String) {
        self.version = version
    }

    /// The beginning of the stream.
    package var header: [UInt8] { PcapngStream.section(application: "rstwho \(version)") }

    /// The blocks of a finding.
    ///
    /// - `evidence`: its evidence file; `nil` where the agent keeps no packets of it.
    package mutating func blocks(_ finding: Finding, evidence: [UInt8]?) -> [UInt8] {
        var blocks = evidence.map { self.blocks($0, finding) } ?? []
        if blocks.isEmpty, let rebuilt = rebuilt(finding) { blocks = self.blocks(rebuilt, finding, isRebuilt: true) }
        return blocks
    }

    /// The packet that a finding describes, with the fields that it tells.
    private func rebuilt(_ finding: Finding) -> [UInt8]? {
        let tuple = finding.fiveTuple
        var record = PacketRecord()
        (record.src_high, record.src_low) = (tuple.source.high, tuple.source.low)
        (record.dst_high, record.dst_low) = (tuple.destination.high, tuple.destination.low)
        (record.src_port, record.dst_port) = (tuple.sourcePort, tuple.destinationPort)
        if !tuple.source.isIPv4 { record.layers |= UInt8(PACKET_LAYERS_IPV6) }
        if tuple.transport != .other {
            record.layers |= tuple.transport.rawValue << UInt8(PACKET_LAYERS_PROTOCOL_SHIFT)
        }
        if let reset = finding.reset {
            (record.seq, record.ack, record.ttl) = (reset.seq, reset.ack, reset.ttl)
            record.flags = reset.flags.rawValue
        }
        let packet = EvidencePacket(
            record: record, time: finding.time ?? 0, frame: 0, headers: nil,
            role: finding.reset == nil ? .connection : .reset)
        return EvidenceFile.bytes(
            finding, packets: [packet], interfaceNames: [finding.vantage?.interface ?? "agent"], version: version)
    }

    private mutating func blocks(_ capture: [UInt8], _ finding: Finding, isRebuilt: Bool = false) -> [UInt8] {
        let collector = Collector()
        let copier = CaptureCopier(to: collector, application: "", comment: "")
        capture.withUnsafeBytes { bytes in
            // A damaged file gives what it has before the damage.
            guard var file = try? CaptureFile.open(.memory(bytes, piece: bytes.count)) else { return }
            try? file.read(copyingTo: copier) { _ in }
        }
        var out: [UInt8] = []
        var numbers: [UInt32] = []
        for description in collector.interfaces { numbers.append(number(of: description, &out)) }
        let answer = collector.packets.firstIndex { $0.time == finding.time } ?? 0
        for (index, packet) in collector.packets.enumerated() {
            guard Int(packet.interface) < numbers.count else { continue }
            let isAnswer = index == answer
            guard isAnswer || isNew(packet) else { continue }
            var bytes = packet.bytes
            withUnsafeBytes(of: numbers[Int(packet.interface)]) { bytes.replaceSubrange(8..<12, with: $0) }
            var comments: [[UInt8]] = []
            if isAnswer {
                comments.append(Array(PacketComment.text(finding).utf8))
                if isRebuilt { comments.append(Array(Self.rebuiltNote.utf8)) }
            }
            bytes.withUnsafeBytes { bytes in
                let block = CopiedBlock(
                    bytes, kind: .packet(options: packet.options), isSwapped: false, frame: 1, simple: (0, 0))
                _ = block.append(comments: comments, to: &out)
            }
        }
        return out
    }

    private static let rebuiltNote =
        "The agent keeps no packet of this finding. Addresses, ports and, of a reset, numbers, flags and TTL are the "
        + "finding's; all else is 0."

    private mutating func number(of description: [UInt8], _ out: inout [UInt8]) -> UInt32 {
        if let known = interfaces[description] { return known }
        guard interfaces.count < Self.interfaceLimit else { return 0 }
        let number = UInt32(interfaces.count)
        interfaces[description] = number
        out += description
        return number
    }

    /// True for a packet that was not shown yet.
    private mutating func isNew(_ packet: Collector.Packet) -> Bool {
        var hasher = Hasher()
        hasher.combine(packet.time)
        hasher.combine(packet.bytes[12..<packet.options])
        let hash = hasher.finalize()
        guard seen.insert(hash).inserted else { return false }
        if order.count < Self.remembered {
            order.append(hash)
        } else {
            seen.remove(order[oldest])
            order[oldest] = hash
            oldest = (oldest + 1) % Self.remembered
        }
        return true
    }

    /// The blocks of an evidence file.
    private final class Collector: CopiedBlockReceiver {
        struct Packet {
            var bytes: [UInt8]
            var options: Int
            var interface: UInt32
            /// ns since 1970: evidence files have that resolution.
            var time: UInt64
        }

        /// Packets that are looked at; an evidence file has `EvidenceFile.packetLimit` at most.
        private static let limit = 1024

        var interfaces: [[UInt8]] = []
        var packets: [Packet] = []

        func receive(_ block: CopiedBlock) -> Int {
            guard block.isComplete, !block.isSwapped else { return block.total }
            let bytes = Array(block.bytes)
            func number(_ offset: Int) -> UInt32 {
                block.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            }
            if case .packet(let options) = block.kind, number(0) == 6, packets.count < Self.limit {
                packets.append(
                    Packet(
                        bytes: bytes, options: options, interface: number(8),
                        time: UInt64(number(12)) << 32 | UInt64(number(16))))
            } else if block.kind == .other, number(0) == 1, interfaces.count < AgentFrames.interfaceLimit {
                interfaces.append(bytes)
            }
            return block.total
        }

        func receiveRest(_ bytes: UnsafeRawBufferPointer) {}
    }
}
