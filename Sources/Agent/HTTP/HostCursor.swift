// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

/// The start of a page of hosts: after the hosts seen at or after a time, or after one of the hosts seen at one time.
struct HostCursor: Sendable {
    private let time: UInt64
    private let position: HostSummary.Position?

    /// The page after `host`.
    init(_ host: HostSummary) {
        time = host.lastSeen
        position = host.position
    }

    /// The parameter `before`: a time, or the `next` of the page before; `nil` where it is not given.
    init?(_ query: inout QueryReader) throws(HTTPProblem) {
        guard let text = query.text("before") else { return nil }
        guard let cursor = HostCursor(text) else {
            throw .badParameter("before", "Give a time such as 2026-01-31T23:59:59Z, or the next of the page before.")
        }
        self = cursor
    }

    init?(_ text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard let time = parts.first.flatMap({ Timestamp.parse($0) }) else { return nil }
        self.time = time
        switch parts.count {
        case 1: position = nil
        case 3:
            guard let address = IPAddress(String(parts[1])), let domain = UInt16(parts[2]) else { return nil }
            position = HostSummary.Position(lastSeen: time, address: address, domain: domain)
        default: return nil
        }
    }

    /// Time, address and VLAN.
    var text: String {
        let time = Timestamp.format(time)
        return position.map { "\(time),\($0.address),\($0.domain)" } ?? time
    }

    /// True where `host` is behind this place of the list.
    func precedes(_ host: HostSummary) -> Bool {
        position.map { $0 < host.position } ?? (host.lastSeen < time)
    }
}
