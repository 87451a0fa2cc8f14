// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Open connections of several hosts that one device, or what is behind one next hop, resets within seconds: one event,
/// such as a failover without session state, a cleared session table, or a tunnel that was keyed anew.
///
/// Told once, when it is over. Bounded: `places` at a time, of which a newer one takes the place of the oldest.
struct ResetEvents {
    /// Resets within this time (ns) of the one before belong to the event.
    static let window: UInt64 = 5_000_000_000
    static let leastHosts = 3
    static let leastConnections = 5
    private static let places = 32
    /// Hosts that are counted at most.
    private static let hosts = 64
    /// In the identity of its finding.
    private static let occurrence: UInt64 = 1 << 62 | 2

    /// The common property of an event's resets.
    private enum Key: Hashable {
        case origin(String)
        /// The domain and source MAC address of resets whose sender is not known.
        case link(UInt16)
    }

    private struct Event {
        var first: ResetCase
        var begin: UInt64
        var end: UInt64
        var connections = 0
        var hosts: [HostKey] = []
        var hop: Int?
        var origin: String?
    }

    private var events: [Key: Event] = [:]
    /// The begins of events that are over.
    private var earlier: [Key: UInt64] = [:]

    /// Takes a verdict on a reset.
    mutating func note(_ reset: ResetCase, _ finding: Finding) {
        guard reset.time != 0, reset.passage == .arrived, let details = finding.reset, Self.wasOpen(details.stage),
            let key = Self.key(reset, details)
        else { return }
        var event: Event
        if let known = events[key], Self.distance(reset.time, known.begin...known.end) <= Self.window {
            event = known
        } else {
            makeRoom()
            event = Event(
                first: reset, begin: reset.time, end: reset.time, hop: details.hop, origin: details.origin)
        }
        event.begin = min(event.begin, reset.time)
        event.end = max(event.end, reset.time)
        event.connections += 1
        if event.hop != details.hop { event.hop = nil }
        if !event.hosts.contains(reset.hostKey), event.hosts.count < Self.hosts { event.hosts.append(reset.hostKey) }
        events[key] = event
    }

    /// Emits the events that are over.
    ///
    /// - `all`: Those that could go on as well: nothing will follow.
    mutating func settle(_ context: inout EngineContext, all: Bool) {
        guard !events.isEmpty else { return }
        let (now, wait) = (context.now, Self.window + context.settleTime)
        let over = events.filter { all || (now > $0.value.end && now - $0.value.end > wait) }
        for (key, event) in over.sorted(by: { $0.value.begin < $1.value.begin }) {
            events[key] = nil
            guard event.hosts.count >= Self.leastHosts, event.connections >= Self.leastConnections else { continue }
            emit(event, earlier: earlier[key], &context)
            if earlier.count >= Self.places { earlier.removeAll() }
            earlier[key] = event.begin
        }
    }

    private func emit(_ event: Event, earlier: UInt64?, _ context: inout EngineContext) {
        let first = event.first
        var details = Finding.ResetEvent(end: event.end, hosts: event.hosts.count)
        details.seconds = Double(event.end - event.begin) / 1e9
        for host in event.hosts where context.hosts.find(host).map({ $0.pointee.lastSeen > event.end }) == true {
            details.hostsHeardAfter += 1
        }
        details.secondsSinceEarlier = earlier.map { Double(event.begin - min($0, event.begin)) / 1e9 }
        details.origin = event.origin
        details.hop = event.hop
        details.nextHopMAC = first.headers.sourceMAC
        var notice = Finding.Notice(cause: .resetEvent)
        notice.event = details
        var finding = Finding(
            id: FindingIdentity.id(first.record, time: first.time, occurrence: Self.occurrence),
            fiveTuple: first.record.fiveTuple, details: .notice(notice))
        finding.count = event.connections
        context.complete(&finding, time: event.begin, frame: first.frame, file: first.file, vantage: first.vantage)
        context.findings.emit(finding)
    }

    /// A refused or a closed connection cost nobody anything.
    private static func wasOpen(_ stage: Finding.Stage) -> Bool {
        switch stage {
        case .data, .idle, .unknown: true
        case .syn, .handshake, .afterClose, .none: false
        }
    }

    /// The device, or the next hop; `nil` for what a host resets itself: that is its own doing, however many do so.
    private static func key(_ reset: ResetCase, _ details: Finding.Reset) -> Key? {
        if let origin = details.origin { return .origin(origin) }
        guard details.sender == .undetermined, reset.record.link_hash != 0 else { return nil }
        return .link(reset.record.link_hash)
    }

    private static func distance(_ time: UInt64, _ range: ClosedRange<UInt64>) -> UInt64 {
        if time < range.lowerBound { return range.lowerBound - time }
        return time > range.upperBound ? time - range.upperBound : 0
    }

    private mutating func makeRoom() {
        guard events.count >= Self.places, let oldest = events.min(by: { $0.value.end < $1.value.end }) else { return }
        events[oldest.key] = nil
    }
}
