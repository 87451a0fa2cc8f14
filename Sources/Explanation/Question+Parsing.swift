// SPDX-License-Identifier: Apache-2.0
internal import Packets
internal import Reporting

extension Question {
    /// Why a text is no question.
    package struct Problem: Error, Equatable, Sendable {
        /// The problem and the accepted forms, as sentences.
        package var text: String
    }

    /// Bytes that are looked at; a longer text is refused.
    package static let maximumText = 65_536

    private static let allowed =
        "Give an address, a finding's id, or a connection as a tool prints it: a:p > b:q, a.p > b.q, [v6]:p, "
        + "src= dst= sport= dport=, a line of ss, netstat, conntrack, tcpdump or a log."

    /// Reads an address, a finding's id, or a connection as tools print it, with other text around.
    ///
    /// - Throws: `Problem` where there is neither of them in `text`, or more than one can be meant.
    package init(parsing text: String) throws(Problem) {
        guard text.utf8.count <= Self.maximumText else {
            throw Problem(text: "More than \(Self.maximumText) bytes. \(Self.allowed)")
        }
        let bytes = Array(text.utf8)
        let pairs = AssignedPairs(bytes)
        if let id = Self.id(text) ?? pairs.id {
            self = .finding(id: id)
        } else if !pairs.flows.isEmpty {
            self = .flows(pairs.flows)
        } else {
            try self.init(EndpointScanner.endpoints(in: bytes), in: bytes)
        }
    }

    private init(_ all: [EndpointScanner.Endpoint], in bytes: [UInt8]) throws(Problem) {
        let line = Self.ofOneLine(all, in: bytes)
        let found = Self.upstream(line, in: bytes) ?? Self.withoutRepeats(line)
        guard let first = found.first else {
            let text = String(decoding: bytes, as: UTF8.self)
            let what =
                Self.isDevice(text) ? "\(text) is a device: see rstwho resets --origin \(text)" : "No address is in it"
            throw Problem(text: "\(what). \(Self.allowed)")
        }
        if found.count == 1 {
            if let slash = first.slash {
                throw Problem(
                    text: "\(first.address)/\(slash) is a prefix: see rstwho resets --prefix. \(Self.allowed)")
            }
            let port = first.port ?? Self.portAlone(in: bytes[first.range.upperBound...])
            self = port == nil ? .address(first.address) : .flows([FlowPattern(.init(first.address, port))])
            return
        }
        // Of many, those with ports are the connection: addresses without are the log's own host, or versions.
        let withPorts = found.filter { $0.port != nil || $0.slash != nil }
        let ends: [EndpointScanner.Endpoint]
        switch withPorts.count {
        case 0 where found.count == 2:
            ends = found
            if let ports = EndpointScanner.arrowedPorts(in: bytes, from: found[1].range.upperBound) {
                self = .flows([
                    FlowPattern(.init(found[0].address, ports.source), .init(found[1].address, ports.destination))
                ])
                return
            }
        case 0:
            let names = found.prefix(4).map(\.address.description).joined(separator: ", ")
            throw Problem(text: "\(found.count) addresses are in it (\(names)). Give one of them, or two.")
        case 1:
            // What stands before it belongs to it rather than what follows.
            let place = found.firstIndex { $0.range == withPorts[0].range } ?? 0
            let other = place > 0 ? place - 1 : place + 1
            ends = [found[min(place, other)], found[max(place, other)]]
        default: ends = Array(withPorts.prefix(2))
        }
        let isBackward = bytes[ends[0].range.upperBound..<ends[1].range.lowerBound].contains(UInt8(ascii: "<"))
        let ordered = isBackward ? [ends[1], ends[0]] : ends
        self = .flows([FlowPattern(ordered[0].end, ordered[1].end)])
    }

    /// Of several lines the first that names a port: two lines of a log are two connections.
    private static func ofOneLine(
        _ found: [EndpointScanner.Endpoint], in bytes: [UInt8]
    ) -> [EndpointScanner.Endpoint] {
        guard let first = found.first(where: { $0.port != nil }) else { return found }
        let begin = bytes[..<first.range.lowerBound].lastIndex(of: 0x0a) ?? 0
        let end = bytes[first.range.upperBound...].firstIndex(of: 0x0a) ?? bytes.count
        return found.filter { $0.range.lowerBound >= begin && $0.range.upperBound <= end }
    }

    /// Returns the port behind the only address, if it is a plain number: `10.4.0.2 22`, as nc and telnet take it.
    private static func portAlone(in rest: ArraySlice<UInt8>) -> UInt16? {
        UInt16(String(decoding: rest.drop { $0 == 0x20 }, as: UTF8.self))
    }

    /// The server behind a proxy whose log names its client as well (nginx): the connection in question is the proxy's
    /// own.
    private static func upstream(
        _ found: [EndpointScanner.Endpoint], in bytes: [UInt8]
    ) -> [EndpointScanner.Endpoint]? {
        let word = Array("upstream: ".utf8)
        guard let last = found.last, found.count > 1, last.port != nil else { return nil }
        let between = bytes[found[found.count - 2].range.upperBound..<last.range.lowerBound]
        let isNamed = between.indices.contains { bytes[$0..<between.endIndex].starts(with: word) }
        return isNamed ? [last] : nil
    }

    /// Without what names an address again that stands there with a port: `Connecting to 10.4.0.2 [10.4.0.2] port 22`.
    private static func withoutRepeats(_ found: [EndpointScanner.Endpoint]) -> [EndpointScanner.Endpoint] {
        let withPorts = Set(found.filter { $0.port != nil }.map(\.address))
        return found.filter { $0.port != nil || $0.slash != nil || !withPorts.contains($0.address) }
    }

    /// True for what a device is called in a list of origins: `o-1`.
    package static func isDevice(_ text: String) -> Bool {
        let number = text.utf8.dropFirst(2)
        return text.hasPrefix("o-") && (1...10).contains(number.count) && number.allSatisfy(EndpointScanner.isDigit)
    }

    /// An id that stands by itself.
    private static func id(_ text: String) -> String? {
        let bytes = Array(text.utf8.drop { $0 == 0x20 || $0 == 0x0a })
        let end = bytes.lastIndex { $0 != 0x20 && $0 != 0x0a }.map { $0 + 1 } ?? 0
        return isID(bytes[..<end]) ? String(decoding: bytes[..<end], as: UTF8.self) : nil
    }

    /// 26 capital letters and digits, a digit among them.
    static func isID(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.count == 26 && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) }
            && bytes.contains { (0x30...0x39).contains($0) }
    }
}
