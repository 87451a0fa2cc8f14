// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Reads packet lists of Wireshark and tshark: the default columns as tshark prints them or as copied from the window,
/// exported text and CSV, lists with columns of one's own (`TTL`), and `tshark -T fields -E header=y`.
///
/// Sequence numbers stay as printed, which is relative as a rule. A line of an application's protocol shows no ports:
/// it is taken for data of the connection between the two hosts, where the list shows exactly one.
struct PacketListReader: TextReader {
    let program = "packet list"

    private var clock = PrintedClock()
    private var columns: PacketListColumns?
    private var connections = PacketListConnections()

    func recognises(_ line: TextCursor) -> Bool {
        if Self.isHeader(line) { return true }
        return row(line, PacketListColumns.standard) != nil
    }

    private static func isHeader(_ line: TextCursor) -> Bool {
        // Cheap for lines of other texts: a header has no address, so no digit follows a dot.
        PacketListColumns(header: line) != nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        var text = line
        text.skipBlanks()
        if text.isAtEnd { return .taken }
        // The rule below the header of a table in Markdown.
        if text.starts(with: "|-") || text.starts(with: "|:-") || text.starts(with: "| -") { return .taken }
        if let header = PacketListColumns(header: line) {
            columns = header
            return .taken
        }
        if let columns, columns.areFields {
            return readFields(line, columns, &output)
        }
        guard let row = columns.flatMap({ row(line, $0) }) ?? row(line, PacketListColumns.standard) else {
            return .unknown
        }
        read(row, &output)
        return .taken
    }

    mutating func finish(into output: inout TextOutput) {}

    // MARK: Rows

    private struct Row {
        var stamp: PrintedClock.Stamp?
        var source: TextCursor
        var destination: TextCursor
        var protocolName: TextCursor
        var length: UInt32?
        var info: TextCursor
        var ttl: UInt8?
        var ports: (source: UInt16?, destination: UInt16?) = (nil, nil)
    }

    /// The cells of a line, where they are a packet's: a time or a number, two hosts, a protocol.
    private func row(_ line: TextCursor, _ columns: PacketListColumns) -> Row? {
        var layout = columns
        let text = PacketListColumns.withoutFrame(line)
        if text.peek() == UInt8(ascii: "\"") { layout.separator = .byte(UInt8(ascii: ",")) }
        if columns == PacketListColumns.standard, layout.separator == .blanks {
            // The number may be missing.
            var copy = text
            if PrintedClock.stamp(&copy) != nil { layout.columns.removeFirst() }
        }
        let cells = layout.cells(of: text)
        guard cells.count >= min(layout.columns.count, 5) else { return nil }
        var stamp: PrintedClock.Stamp?
        var hosts: (TextCursor?, TextCursor?)
        var protocolName: TextCursor?
        var length: UInt32?
        var info: TextCursor?
        var ttl: UInt8?
        var ports: (UInt16?, UInt16?)
        for (column, cell) in zip(layout.columns, cells) {
            switch column {
            case .number:
                var number = cell
                guard number.number(limit: 1 << 40) != nil, number.isAtEnd else { return nil }
            case .time:
                var time = cell
                guard let found = PrintedClock.stamp(&time), time.isAtEnd else { return nil }
                stamp = found
            case .source: hosts.0 = cell
            case .destination: hosts.1 = cell
            case .protocolName: protocolName = cell
            case .length: length = DissectedPacket.number(cell).map { UInt32(clamping: $0) }
            case .info: info = cell
            case .ttl: ttl = DissectedPacket.number(cell, limit: 255).map { UInt8($0) }
            case .sourcePort: ports.0 = cell.port
            case .destinationPort: ports.1 = cell.port
            case .field, .other: break
            }
        }
        guard let source = hosts.0, let destination = hosts.1, let protocolName, Self.isProtocol(protocolName),
            stamp != nil || self.columns != nil
        else { return nil }
        // Without a header line the columns must show themselves: addresses, and a length.
        if self.columns == nil {
            guard source.address != nil || destination.address != nil || Self.isMAC(source) else { return nil }
            let isPort = info.map { $0.peek() == UInt8(ascii: ">") || PacketListColumns.isArrow($0) } ?? false
            if layout.separator == .blanks, length == nil || isPort, info != nil {
                // tshark before 1.8 and ethanalyzer print no length: the cell is the first port then.
                return rowWithoutLength(text, layout, stamp, source, destination, protocolName)
            }
        }
        var row = Row(
            stamp: stamp, source: source, destination: destination, protocolName: protocolName, length: length,
            info: info ?? TextCursor(UnsafeBufferPointer(start: nil, count: 0)), ttl: ttl)
        row.ports = ports
        return row
    }

    /// `10.1.0.1 -> 10.4.0.2 TCP 50992 > ssh [SYN] Seq=0`: the packet's text begins behind the protocol.
    private func rowWithoutLength(
        _ line: TextCursor, _ layout: PacketListColumns, _ stamp: PrintedClock.Stamp?, _ source: TextCursor,
        _ destination: TextCursor, _ protocolName: TextCursor
    ) -> Row? {
        guard line.contains(" -> ") || line.contains(" \u{2192} "), protocolName.isEqual(to: "TCP") else { return nil }
        var info = line
        info.move(to: protocolName.end)
        info.skipBlanks()
        guard info.contains("[") else { return nil }
        return Row(
            stamp: stamp, source: source, destination: destination, protocolName: protocolName, length: nil, info: info)
    }

    /// `TCP`, `TLSv1.2`, `ICMPv6`, `SSH`, `HTTP/XML`.
    private static func isProtocol(_ text: TextCursor) -> Bool {
        guard (2...24).contains(text.count), (65...90).contains(text.peek()) || (48...57).contains(text.peek()) else {
            return false
        }
        var letters = 0
        for offset in 0..<text.count {
            switch text.peek(offset) {
            case 65...90, 97...122: letters += 1
            case 48...57, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "+"):
                break
            default: return false
            }
        }
        return letters >= 2
    }

    private static func isMAC(_ text: TextCursor) -> Bool {
        text.count >= 8 && (text.foldedMAC() != nil || text.find(UInt8(ascii: "_")) != nil)
    }

    private mutating func read(_ row: Row, _ output: inout TextOutput) {
        var packet = PrintedPacket()
        packet.time = row.stamp.map { clock.time(of: $0) }
        packet.ttl = row.ttl
        if Self.isMAC(row.source), row.source.address == nil {
            _ = output.beginPacket(time: packet.time)
            output.refuse(.notIP)
            return
        }
        packet.source = row.source.host(&output.names)
        packet.destination = row.destination.host(&output.names)
        if PacketListInfo.readTCP(row.info, &packet, &output.names) {
            packet.ipProtocol = 6
            packet.sourcePort = packet.sourcePort ?? row.ports.source
            packet.destinationPort = packet.destinationPort ?? row.ports.destination
            connections.note(packet, length: row.length)
        } else if row.protocolName.starts(with: "ICMP") {
            let isIPv6 = row.protocolName.starts(with: "ICMPv6")
            if !PacketListInfo.readICMP(row.info, isIPv6: isIPv6, &packet) { packet.ipProtocol = nil }
            packet.ttl = row.ttl ?? packet.ttl
        } else if row.protocolName.isEqual(to: "UDP") {
            packet.ipProtocol = 17
            PacketListInfo.readPorts(row.info, isUDP: true, &packet, &output.names)
            if packet.sourcePort == nil { packet.sourcePort = row.ports.source }
        } else if PacketListConnections.isOverTCP(row.protocolName) {
            packet.ipProtocol = 6
            packet.sourcePort = row.ports.source
            packet.destinationPort = row.ports.destination
            connections.complete(&packet, length: row.length)
            if packet.sourcePort == nil {
                _ = output.beginPacket(time: packet.time)
                output.refuse(.withoutFlags)
                return
            }
        }
        packet.deliver(to: &output)
    }

    // MARK: -T fields

    private mutating func readFields(
        _ line: TextCursor, _ columns: PacketListColumns, _ output: inout TextOutput
    ) -> TextLineUse {
        let cells = columns.cells(of: line)
        guard cells.count >= 2 else { return .unknown }
        var packet = DissectedPacket()
        let names = columns.columns
        let hasICMPType = zip(names, cells).contains { column, cell in
            (column == .field(.icmpType) || column == .field(.icmpv6Type)) && !cell.isAtEnd
        }
        for (column, cell) in zip(names, cells) where !cell.isAtEnd {
            let field: DissectionField
            switch column {
            case .field(let found): field = found
            case .ttl: field = .ttl
            case .time: field = .relativeTime
            case .source: field = .ipSource
            case .destination: field = .ipDestination
            default: continue
            }
            // Of a tunnel's headers the last is the inner one; of an ICMP error's the first is its own.
            let isOfIP = field.rawValue.hasPrefix("ip")
            packet.set(field, hasICMPType && isOfIP ? Self.first(cell) : Self.last(cell, field), &output)
        }
        packet.deliver(&clock, to: &output)
        return .taken
    }

    private static func first(_ cell: TextCursor) -> TextCursor {
        cell.find(UInt8(ascii: ",")).map { cell.limited(to: $0) } ?? cell
    }

    private static func last(_ cell: TextCursor, _ field: DissectionField) -> TextCursor {
        // `Nov 14, 2023 22:13:20.000000000 UTC` has a comma of its own.
        guard field != .time else { return cell }
        var cursor = cell
        while let comma = cursor.find(UInt8(ascii: ",")) { cursor.move(to: comma + 1) }
        return cursor
    }
}
