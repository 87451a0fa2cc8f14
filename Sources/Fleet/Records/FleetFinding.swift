// SPDX-License-Identifier: Apache-2.0
package import Diagnosis
package import Packets
internal import Reporting

/// A finding of one agent: the members that questions select by, and the finding's own JSON as the agent has it.
package struct FleetFinding: Sendable, Equatable {
    package var reporter: FleetReporter
    package var id: String
    package var revision: Int
    /// The time of its packet by the agent's clock, ns since 1970; 0 where that is not known.
    package var time: UInt64
    package var kind: String
    package var source: IPAddress
    package var destination: IPAddress
    package var sourcePort: UInt16
    package var destinationPort: UInt16
    package var servicePort: UInt16
    /// Of a reset: the hash by which agents join what they saw of one packet; else empty.
    package var packetKey: String
    /// The client's initial sequence number, which address translation leaves alone; 0 where it is not known.
    package var clientISN: UInt32
    package var sender: String
    package var cause: String
    package var stage: String
    /// The hop of a reset's sender and of the host in whose name it came; -1 where it is not known.
    package var hop: Int
    package var hostHop: Int
    package var confidence: Double
    package var origin: String
    package var device: String
    package var owner: String
    package var isExpected: Bool
    package var isProblem: Bool
    package var interface: String
    package var count: Int
    /// The offset of the agent's clock as its kernel states it, microseconds.
    package var clockOffset: Int32
    /// The finding in the JSON of `rstwho watch --format json`, without a line feed.
    package var line: String

    /// The record of a finding as its agent reports it.
    ///
    /// - `clientISN`: 0 where it is not known.
    /// - `clockOffset`: microseconds.
    package init(_ finding: Finding, by reporter: FleetReporter, clientISN: UInt32 = 0, clockOffset: Int32 = 0) {
        self.reporter = reporter
        id = finding.id
        revision = finding.revision
        time = finding.time ?? 0
        kind = finding.kind.rawValue
        let tuple = finding.fiveTuple
        (source, sourcePort) = (tuple.source, tuple.sourcePort)
        (destination, destinationPort) = (tuple.destination, tuple.destinationPort)
        servicePort = finding.servicePort
        let reset = finding.reset
        packetKey = reset?.packetKey ?? ""
        self.clientISN = clientISN
        sender = reset?.sender.rawValue ?? ""
        cause = finding.causeName ?? finding.icmpError?.reason.rawValue ?? ""
        stage = reset?.stage.rawValue ?? ""
        hop = reset?.hop ?? finding.icmpError?.hop ?? -1
        hostHop = reset?.hostHop ?? -1
        confidence = min(finding.confidence ?? 0, 0.999)
        origin = reset?.origin ?? ""
        device = finding.device?.name ?? ""
        owner = finding.device?.owner ?? ""
        isExpected = finding.device?.isExpected == true
        isProblem = finding.isProblem
        interface = finding.vantage?.interface ?? ""
        count = finding.count
        self.clockOffset = clockOffset
        line = JSONLines.line(finding)
        if line.last == "\n" { line.removeLast() }
    }

    init(reporter: FleetReporter, id: String, source: IPAddress, destination: IPAddress, kind: String, line: String) {
        self.reporter = reporter
        self.id = id
        self.source = source
        self.destination = destination
        self.kind = kind
        self.line = line
        (revision, time, sourcePort, destinationPort, servicePort) = (0, 0, 0, 0, 0)
        (packetKey, clientISN, sender, cause, stage) = ("", 0, "", "", "")
        (hop, hostHop, confidence, origin, device, owner) = (-1, -1, 0, "", "", "")
        (isExpected, isProblem, interface, count, clockOffset) = (false, false, "", 1, 0)
    }

    package var fiveTuple: FiveTuple {
        FiveTuple(
            source: source, sourcePort: sourcePort, destination: destination, destinationPort: destinationPort)
    }

    package var isReset: Bool { kind == Finding.Kind.reset.rawValue }

    /// True where a reset travels from the server's side to the client's, by the service's port.
    package var isFromServer: Bool { sourcePort == servicePort && destinationPort != servicePort }

    /// The finding as a value; `nil` where this version does not understand it.
    package var finding: Finding? { JSONLines.decode(line) }
}
