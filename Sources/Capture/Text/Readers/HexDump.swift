// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Collects the lines of a hex dump and makes a packet of its bytes, by the parser that captures go through.
///
/// Reads the dumps of tcpdump -x/-xx/-X/-XX, tshark -x, the sniffers of FortiGate, ASA, IOS and Junos, xxd, od,
/// hexdump, and text2pcap's format. Bounded: of a dump only the first 2,048 bytes are kept, which hold all headers.
struct HexDump {
    static let maximumKept = 2048
    /// The first line of a dump has at least so many bytes: numbers in prose do not.
    static let minimumFirstLine = 8

    /// Lines of a dump were taken since the last `complete`.
    private(set) var isCollecting = false
    private var bytes: [UInt8] = []
    /// The bytes of the line that is read.
    private var added: [UInt8] = []
    /// Bytes of the dump so far, those that were not kept included.
    private var total = 0
    /// Bytes of the dump's last line.
    private var lastLine = 0
    private var groupSize = 1
    /// A line `*` stands for lines that are equal to the last one.
    private var repeats = false
    /// The dump shows reassembled or decrypted bytes, not a frame.
    private var isDerived = false
    /// Whether the packet that `complete` returned began with a link header.
    private(set) var hadLink = false

    /// Takes a line that goes on with the dump.
    ///
    /// False where it does not; then the dump is complete.
    mutating func goOn(_ line: TextCursor) -> Bool {
        guard isCollecting else { return false }
        var text = line
        text.skipBlanks()
        if text.isAtEnd { return true }
        if text.peek() == UInt8(ascii: "*"), text.count == 1 {
            repeats = true
            return true
        }
        added.removeAll(keepingCapacity: true)
        guard let found = HexDumpLine(text, into: &added) else { return goOnWithoutOffset(text) }
        // A dump that begins again at 0 is another one.
        guard let offset = found.offset, !offset.matches(0) else { return false }
        // The offset of the end, which od and hexdump print.
        if found.count == 0 { return true }
        guard align(to: offset) else { return false }
        addLine(found)
        return true
    }

    /// Whether a line may begin a dump: a quick look at its first characters.
    static func mayBegin(_ line: TextCursor) -> Bool {
        var text = line
        text.skipBlanks()
        return TextCursor.hexadecimalDigit(text.peek()) != nil && TextCursor.hexadecimalDigit(text.peek(3)) != nil
    }

    /// Takes a line that begins a dump, after `complete`.
    ///
    /// - `followsPacket`: the line stands directly below a packet's text; then bytes without an offset, as
    ///   tcpdump 3.x prints them, are a dump too.
    mutating func begin(_ line: TextCursor, followsPacket: Bool) -> Bool {
        var text = line
        text.skipBlanks()
        guard let first = TextCursor.hexadecimalDigit(text.peek()) else { return false }
        added.removeAll(keepingCapacity: true)
        if first == 0, let found = HexDumpLine(text, into: &added), let offset = found.offset, offset.matches(0),
            found.count >= Self.minimumFirstLine
        {
            addLine(found)
        } else {
            guard followsPacket, first == 4 || first == 6,
                let found = HexDumpLine(text, needsOffset: false, into: &added),
                found.count >= Self.minimumFirstLine
            else { return false }
            addLine(found)
        }
        isCollecting = true
        return true
    }

    /// Takes the title that tshark prints above one of several dumps: `Frame (66 bytes):`, `Reassembled TCP (1460
    /// bytes):`.
    mutating func readTitle(_ line: TextCursor) -> Bool {
        guard line.count < 80, line.peek(line.count - 1) == UInt8(ascii: ":"), line.contains(" bytes):") else {
            return false
        }
        isDerived = !line.starts(with: "Frame (")
        return true
    }

    private mutating func addLine(_ line: HexDumpLine) {
        groupSize = max(groupSize, line.groupSize)
        total += added.count
        lastLine = added.count
        if bytes.count < Self.maximumKept { bytes.append(contentsOf: added) }
    }

    private mutating func goOnWithoutOffset(_ text: TextCursor) -> Bool {
        added.removeAll(keepingCapacity: true)
        guard let found = HexDumpLine(text, needsOffset: false, into: &added) else { return false }
        addLine(found)
        return true
    }

    /// Makes the bytes so far end at `offset`: cuts what was taken from the text column of the line before, or repeats
    /// that line where `*` stood for it.
    ///
    /// False where the offset fits neither.
    private mutating func align(to offset: HexDumpLine.Offset) -> Bool {
        if offset.matches(total) {
            repeats = false
            return true
        }
        if let excess = (0..<lastLine).first(where: { offset.matches(total - $0) }) {
            if bytes.count == total { bytes.removeLast(excess) }
            total -= excess
            return true
        }
        guard repeats, lastLine > 0, bytes.count >= lastLine else { return false }
        repeats = false
        let line = Array(bytes.suffix(lastLine))
        while total < PcapDecoder.maximumPacket {
            total += line.count
            if bytes.count < Self.maximumKept { bytes.append(contentsOf: line) }
            if offset.matches(total) { return true }
        }
        return false
    }

    // MARK: Packets

    /// Ends the dump and parses its bytes.
    ///
    /// - `time`: of the packet, ns since 1970.
    /// - `interface`: `PACKET_INTERFACE_*`.
    ///
    /// Returns the packet; or why there is none; `nil` where the bytes are no frame.
    mutating func complete(
        time: UInt64, interface: UInt8, _ snapshots: HeaderSnapshots
    ) -> Result<ObservedPacket, HexDumpRefusal>? {
        defer { reset() }
        guard isCollecting, !isDerived else { return nil }
        guard let link = bytes.withUnsafeBytes({ HexFrame.link(of: $0) }) ?? swapped(),
            let snapshot = snapshots.next()
        else { return nil }
        hadLink = link != .ip
        var packet = ObservedPacket()
        packet.time = time
        let outcome = bytes.withUnsafeBytes { bytes -> UInt32 in
            guard let start = bytes.baseAddress else { return PACKET_REFUSED_NOT_IP.rawValue }
            var content = LinkLayer.Content(offset: 0, link: 0, interface: interface)
            let opened = link.open(start, length: bytes.count, content: &content)
            guard opened == PACKET_PARSED.rawValue else { return opened }
            var description = frame_description(
                time: time, wire_length: UInt32(clamping: total - content.offset), ethertype: content.ethertype,
                vlan: 0, link: content.link, interface: content.interface)
            var hasSnapshot = false
            let outcome = rstwho_parse_frame(
                (start + content.offset).assumingMemoryBound(to: UInt8.self),
                UInt32(clamping: bytes.count - content.offset), &description, &packet.record, snapshot, &hasSnapshot)
            packet.record.link_hash ^= content.senderHash
            if outcome == PACKET_PARSED.rawValue, hasSnapshot {
                packet.headers = UnsafePointer(snapshot)
                snapshots.keep()
            }
            return outcome
        }
        switch packet_refusal(outcome) {
        case PACKET_PARSED: return .success(packet)
        case PACKET_REFUSED_NOT_IP: return .failure(HexDumpRefusal(.notIP))
        case PACKET_REFUSED_LATER_FRAGMENT: return .failure(HexDumpRefusal(.laterFragment))
        case PACKET_REFUSED_OTHER_PROTOCOL: return .failure(HexDumpRefusal(.otherProtocol))
        default: return .failure(HexDumpRefusal(.notUnderstood("the hex dump ends inside the packet's headers")))
        }
    }

    /// Ends the dump without making anything of it.
    mutating func reset() {
        // A title is of one dump; the frame after it may have none.
        isDerived = false
        bytes.removeAll(keepingCapacity: true)
        isCollecting = false
        repeats = false
        total = 0
        lastLine = 0
        groupSize = 1
    }

    /// Turns the bytes of each group round, as `od -x` and `hexdump` print 16-bit words of a little-endian machine.
    ///
    /// The bytes stay as they were where that makes no packet of them.
    private mutating func swapped() -> LinkLayer? {
        guard groupSize > 1 else { return nil }
        var turned = bytes
        var index = 0
        while index < turned.count {
            let end = min(index + groupSize, turned.count)
            turned[index..<end].reverse()
            index = end
        }
        guard let link = turned.withUnsafeBytes({ HexFrame.link(of: $0) }) else { return nil }
        bytes = turned
        return link
    }
}

/// Why the frame of a hex dump gives no record.
struct HexDumpRefusal: Error {
    var refusal: TextRefusal

    init(_ refusal: TextRefusal) {
        self.refusal = refusal
    }
}
