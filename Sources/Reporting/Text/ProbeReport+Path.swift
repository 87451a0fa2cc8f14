// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

extension ProbeReport {
    /// The way to the host, with whoever answers for it, or where it goes silent.
    package var path: DrawnPath {
        var stops = [DrawnPath.Stop.you]
        if result.isOwn {
            stops[0] = .init("you, \(called(result.target))", hop: 0, remark: hostRemark)
            return DrawnPath(stops)
        }
        let last = lastDrawn
        for number in stride(from: 1, through: last, by: 1) {
            let addresses = result.path.first { $0.number == number }?.addresses ?? []
            let name =
                addresses.isEmpty
                ? result.places.hops[number]?.name : addresses.map(called).joined(separator: " or ")
            stops.append(.init(name, hop: number))
        }
        mark(&stops)
        stops.append(hostStop)
        return DrawnPath(stops)
    }

    private func called(_ address: IPAddress) -> String { result.places.drawn(address, address.description) }

    private var hostStop: DrawnPath.Stop {
        let name = called(result.target)
        if result.hostHopIsMinimum, let hop = result.hostHop {
            return .init(name, remark: "hop \(hop) or farther, \(hostRemark)")
        }
        return .init(name, hop: result.hostHop ?? (result.sender == .host ? result.hop : nil), remark: hostRemark)
    }

    /// The last hop before the host that is drawn.
    private var lastDrawn: Int {
        let known = max(result.path.last?.number ?? 0, result.hops?.upperBound ?? 0)
        guard let host = result.hostHop ?? (result.sender == .host ? result.hop : nil) else { return known }
        return host - 1
    }

    private func mark(_ stops: inout [DrawnPath.Stop]) {
        switch result.state {
        case .filtered where result.sender == .thisMachine:
            stops[0].remark = "drops the SYN"
            stops[0].isMarked = true
        case .filtered, .silent:
            let last = min(result.lastReached, stops.count - 1)
            stops[last].link = .broken("SYN vanishes here")
        default:
            guard result.sender != .host, let hops = result.hops else { return }
            for hop in hops where stops.indices.contains(hop) {
                stops[hop].remark = hops.count == 1 ? deed : "perhaps " + deed
                stops[hop].isMarked = result.isForeign
            }
        }
    }

    private var deed: String {
        switch result.state {
        case .open: "answers for the host"
        case .prohibited, .unreachable: "says \(result.unreachable?.text ?? "no")"
        default: "sent the RST"
        }
    }

    private var hostRemark: String {
        switch (result.state, result.sender) {
        case (.open, .host): "open"
        case (.closed, _): "closed"
        case (.open, .undetermined), (.refused, _): result.state == .open ? "open?" : "closed?"
        case (.prohibited, .host): "says \(result.unreachable?.text ?? "no")"
        case (.filtered, .undetermined): "or drops it itself"
        case (.silent, _): "silent"
        case (.unreachable, _): "not reached"
        default: "never asked"
        }
    }
}

extension ProbeResult {
    /// True where the target is this machine's own address.
    var isOwn: Bool { sender == .host && hops == 0...0 }
}
