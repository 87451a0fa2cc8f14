// SPDX-License-Identifier: Apache-2.0
internal import Packets
internal import Reporting

/// Addresses and ports that a text names: `src=10.1.0.2 dst=10.4.0.2 sport=50992 dport=22`, as conntrack, the kernel's
/// log, nftables' trace, firewalls, Wireshark and JSON have them.
struct AssignedPairs {
    /// The id of a finding, where the text is one.
    private(set) var id: String?
    /// The connections in the order in which they are named; one or two, the second only where it is not the first's
    /// other direction.
    private(set) var flows: [Question.FlowPattern] = []

    private enum Field {
        case source, destination, sourcePort, destinationPort, id
    }

    /// The endpoints that were named together.
    private struct Ends {
        var source: EndpointScanner.Endpoint?
        var destination: EndpointScanner.Endpoint?
        var sourcePort: UInt16?
        var destinationPort: UInt16?

        var flow: Question.FlowPattern? {
            guard let source, let destination else { return nil }
            return Question.FlowPattern(
                Question.FlowPattern.End(source.address, sourcePort ?? source.port),
                Question.FlowPattern.End(destination.address, destinationPort ?? destination.port))
        }

        /// False where the field has a value already.
        mutating func take(_ field: Field, _ value: Value) -> Bool {
            switch (field, value) {
            case (.source, .end(let end)) where source == nil: source = end
            case (.destination, .end(let end)) where destination == nil: destination = end
            case (.sourcePort, .port(let port)) where sourcePort == nil: sourcePort = port
            case (.destinationPort, .port(let port)) where destinationPort == nil: destinationPort = port
            default: return false
            }
            return true
        }
    }

    private enum Value {
        case end(EndpointScanner.Endpoint)
        case port(UInt16)
        case id(String)
    }

    /// The longest first: `src` is not to hide `src_port`.
    private static let names: [(name: [UInt8], field: Field)] = {
        let all: [(Field, [String])] = [
            (.source, ["src", "saddr", "srcip", "src_ip", "src_addr", "source", "source_ip", "source_address"]),
            (
                .destination,
                [
                    "dst", "daddr", "dstip", "dst_ip", "dst_addr", "dest", "dest_ip", "destination", "destination_ip",
                    "destination_address",
                ]
            ),
            (.sourcePort, ["sport", "spt", "srcport", "src_port", "src port", "source_port"]),
            (.destinationPort, ["dport", "dpt", "dstport", "dst_port", "dst port", "dest_port", "destination_port"]),
            (.id, ["id"]),
        ]
        return all.flatMap { field, names in names.map { (Array($0.utf8), field) } }
            .sorted { $0.name.count > $1.name.count }
    }()

    /// Values are read until there are so many.
    private static let bound = 64
    /// The longest value, in bytes.
    private static let longest = 64
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var sets: [Ends] = []
        var set = Ends()
        var position = 0
        var count = 0
        while position < bytes.count, count < Self.bound {
            guard let (field, value, end) = assignment(at: position) else {
                position += 1
                continue
            }
            position = end
            count += 1
            if case .id(let text) = value {
                id = id ?? text
            } else if !set.take(field, value) {
                // Said again: the other direction, or what an ICMP error quotes.
                sets.append(set)
                set = Ends()
                _ = set.take(field, value)
            }
        }
        sets.append(set)
        let all = sets.compactMap(\.flow)
        let withPorts = all.filter { $0.source.port != nil || $0.destination?.port != nil }
        for flow in (withPorts.isEmpty ? all : withPorts).prefix(2)
        where !flows.contains(where: { $0 == flow || $0.reversed == flow }) {
            flows.append(flow)
        }
    }

    /// A name, what separates it from its value, and the value.
    private func assignment(at start: Int) -> (Field, Value, end: Int)? {
        guard start == 0 || !bytes[start - 1].isWordByte,
            let (name, field) = Self.names.first(where: { isWord($0.name, at: start) })
        else { return nil }
        var position = start + name.count
        if isQuote(at: position) { position += 1 }
        let separator = position
        var hasSign = false
        while position - separator < 3, position < bytes.count, " =:".utf8.contains(bytes[position]) {
            if bytes[position] != UInt8(ascii: " ") {
                // Two colons begin an address.
                let next = position + 1 < bytes.count ? bytes[position + 1] : 0
                guard !hasSign, bytes[position] != UInt8(ascii: ":") || next != UInt8(ascii: ":") else { break }
                hasSign = true
            }
            position += 1
        }
        guard position > separator else { return nil }
        if isQuote(at: position) { position += 1 }
        let range = position..<min(bytes.count, position + Self.longest)
        let text = bytes[range].prefix { $0 > 0x20 && !"\"',;)}".utf8.contains($0) }
        return value(field, Array(text)).map { (field, $0, position + text.count) }
    }

    private func value(_ field: Field, _ text: [UInt8]) -> Value? {
        switch field {
        case .id: Question.isID(text) ? .id(String(decoding: text, as: UTF8.self)) : nil
        case .sourcePort, .destinationPort: UInt16(String(decoding: text, as: UTF8.self)).map { .port($0) }
        case .source, .destination:
            EndpointScanner.endpoints(in: text).first.flatMap { $0.range.lowerBound == 0 ? .end($0) : nil }
        }
    }

    private func isQuote(at position: Int) -> Bool {
        position < bytes.count && "\"'".utf8.contains(bytes[position])
    }

    /// True where `name` stands there in small or capital letters, and ends.
    private func isWord(_ name: [UInt8], at start: Int) -> Bool {
        let end = start + name.count
        guard end <= bytes.count, end == bytes.count || !bytes[end].isWordByte else { return false }
        return zip(bytes[start..<end], name).allSatisfy { byte, letter in
            byte == letter || (letter.isWordByte && letter != UInt8(ascii: "_") && byte | 0x20 == letter)
        }
    }
}
