// SPDX-License-Identifier: Apache-2.0
package import Packets
internal import Reporting

/// A question to be explained.
package enum Question: Hashable, Sendable {
    case finding(id: String)
    case address(IPAddress)
    /// One connection, as it looks before and behind an address translation; one or two patterns.
    case flows([FlowPattern])

    /// A connection as far as it was named: one end, or two, with or without ports.
    package struct FlowPattern: Hashable, Sendable {
        package struct End: Hashable, Sendable {
            package var address: IPAddress
            package var port: UInt16?

            package init(_ address: IPAddress, _ port: UInt16? = nil) {
                self.address = address
                self.port = port
            }

            func matches(_ address: IPAddress, _ port: UInt16) -> Bool {
                self.address == address && (self.port ?? port) == port
            }
        }

        package var source: End
        package var destination: End?

        package init(_ source: End, _ destination: End? = nil) {
            self.source = source
            self.destination = destination
        }

        /// In either direction.
        package func matches(_ tuple: FiveTuple) -> Bool {
            matchesOneWay(tuple) || matchesOneWay(tuple.reversed)
        }

        private func matchesOneWay(_ tuple: FiveTuple) -> Bool {
            source.matches(tuple.source, tuple.sourcePort)
                && (destination?.matches(tuple.destination, tuple.destinationPort) ?? true)
        }

        var reversed: FlowPattern? { destination.map { FlowPattern($0, source) } }

        package var addresses: [IPAddress] { [source.address] + (destination.map { [$0.address] } ?? []) }

        /// The same without the client's port: other connections between the two, to the lower port.
        var ofSameService: FlowPattern? {
            guard let destination, let left = source.port, let right = destination.port else { return nil }
            return right <= left
                ? FlowPattern(End(source.address), destination) : FlowPattern(source, End(destination.address))
        }

        /// The same without ports.
        var ofSameHosts: FlowPattern { FlowPattern(End(source.address), destination.map { End($0.address) }) }
    }

    /// As it can be asked again: what `Question(parsing:)` reads.
    package var text: String {
        switch self {
        case .finding(let id): id
        case .address(let address): address.description
        case .flows(let flows) where flows.count == 1 && flows[0].isReadAsWritten: flows[0].description
        case .flows(let flows): flows.map(\.assignments).joined(separator: " ")
        }
    }

    /// The hosts that it is about; none of a finding that is not known yet.
    var addresses: [IPAddress] {
        switch self {
        case .finding: []
        case .address(let address): [address]
        case .flows(let flows): flows.flatMap(\.addresses)
        }
    }
}

extension Question.FlowPattern.End: CustomStringConvertible {
    package var description: String {
        guard let port else { return address.description }
        return address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}

extension Question.FlowPattern: CustomStringConvertible {
    /// `10.1.0.2:50992 > 10.4.0.2:22`.
    package var description: String { destination.map { "\(source) > \($0)" } ?? source.description }

    /// False where an address stands there twice, once with a port: that is read as a repeat.
    fileprivate var isReadAsWritten: Bool {
        destination?.address != source.address || (destination?.port == nil) == (source.port == nil)
    }

    /// As conntrack(8) prints it.
    fileprivate var assignments: String {
        [
            "src=\(source.address)", destination.map { "dst=\($0.address)" }, source.port.map { "sport=\($0)" },
            destination?.port.map { "dport=\($0)" },
        ].compactMap { $0 }.joined(separator: " ")
    }
}
