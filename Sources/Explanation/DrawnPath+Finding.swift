// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets
internal import Reporting

extension DrawnPath {
    /// Farther than this a hop is not drawn: its number says enough.
    private static let farthest = 32

    /// The way that a finding speaks of, as far as it is known.
    ///
    /// `nil` where nothing of it is.
    ///
    /// - `origins`: tell the address of the device that sent a reset.
    init?(of finding: Finding, origins: [Origin]) {
        let drawn: DrawnPath? =
            switch finding.details {
            case .reset(let reset): Self.drawn(finding, reset, origins)
            case .path(let path): Self.drawn(finding, path)
            case .icmpError(let error): Self.drawn(finding, error)
            case .pathChange, .notice: nil
            }
        guard let drawn else { return nil }
        self = drawn
    }

    private static func drawn(_ finding: Finding, _ address: IPAddress) -> String {
        finding.places.drawn(address, finding.text(address))
    }

    /// Returns the stop at a hop, as far as it is known.
    private static func between(_ finding: Finding, _ hop: Int) -> Stop {
        Stop(finding.places.hops[hop]?.name, hop: hop)
    }

    private static func drawn(_ finding: Finding, _ reset: Finding.Reset, _ origins: [Origin]) -> DrawnPath? {
        let host = drawn(finding, finding.fiveTuple.source)
        let isForeign = reset.sender.isForeign
        if reset.hasCopiedTTL(finding.evidence) {
            return DrawnPath([
                .you, Stop(nil, remark: deed(reset), isMarked: true),
                Stop(host, hop: reset.hostHop, remark: reset.hostHop == nil ? "hop not known" : nil),
            ])
        }
        let hop = reset.hop ?? (isForeign ? nil : reset.hostHop)
        let far = max(hop ?? 0, reset.hostHop ?? 0)
        guard far <= farthest else { return nil }
        let deed = deed(reset)
        let address = origins.first { $0.id == reset.origin }?.address ?? reset.originAddress
        let device =
            finding.device.map { name in address.map { "\(name.name) \($0)" } ?? name.name }
            ?? address.map { drawn(finding, $0) }
        var stops = [Stop.you]
        if reset.sender == .thisMachine {
            stops[0] = Stop("you", hop: 0, remark: deed, isMarked: true)
        }
        guard far > 0 || reset.sender == .thisMachine else {
            guard hop == 0 else { return nil }
            return DrawnPath([
                Stop("you, \(host)", hop: 0, remark: deed), Stop(drawn(finding, finding.fiveTuple.destination)),
            ])
        }
        for number in stride(from: 1, through: far, by: 1) {
            let isHost = number == reset.hostHop && !(isForeign && number == hop)
            if number == hop, isForeign {
                stops.append(Stop(device, hop: number, remark: deed, isMarked: true))
            } else if number == hop, !isHost, reset.hostHop != nil {
                stops.append(Stop(nil, hop: number, remark: deed))
            } else if isHost || number == far, !isForeign || reset.hostHop != nil {
                let did = number == hop ? deed : nil
                stops.append(Stop(host, hop: number, remark: [did, state(reset)].compactMap { $0 }.first))
            } else {
                stops.append(between(finding, number))
            }
        }
        if isForeign, reset.hostHop.map({ $0 <= hop ?? 0 }) ?? true {
            stops.append(Stop(host, remark: reset.hostHop.map { "hop \($0) too" } ?? "hop not known"))
        }
        return DrawnPath(stops)
    }

    private static func deed(_ reset: Finding.Reset) -> String {
        reset.sender == .undetermined ? "where the RST's TTL points" : "sent the RST"
    }

    /// Returns the state of the host's port.
    private static func state(_ reset: Finding.Reset) -> String? {
        reset.sender.isForeign && reset.stage == .syn ? "never asked" : nil
    }

    // MARK: Ways

    private static func drawn(_ finding: Finding, _ path: Finding.Path) -> DrawnPath? {
        let (client, server) = (drawn(finding, finding.fiveTuple.source), drawn(finding, finding.fiveTuple.destination))
        func there(_ link: Link = .plain, before: Link = .plain, _ you: Stop = .you) -> Row {
            var you = you
            you.link = link
            return Row(label: "there", direction: .forward, stops: [Stop(client, link: before), you, Stop(server)])
        }
        func back(_ you: Stop?, _ link: Link = .plain) -> Row {
            guard var you else {
                return Row(
                    label: "back", direction: .backward,
                    stops: [Stop(client, link: .noted("not past you")), Stop(server)])
            }
            you.link = link
            return Row(label: "back", direction: .backward, stops: [Stop(client), you, Stop(server)])
        }
        switch path.cause {
        case .ackNotDelivered:
            return DrawnPath(rows: [
                path.isAcknowledgedHere
                    ? there(.broken("ACK vanishes here")) : there(before: .broken("ACK vanishes here")),
                path.hasOtherWayBack ? back(nil) : back(.you),
            ])
        case .ackLostOrQueueFull: return DrawnPath(rows: [there(.noted("ACK arrives?")), back(.you)])
        case .acceptQueueFull:
            return DrawnPath(rows: [
                Row(
                    direction: .forward,
                    stops: [Stop(client), .you, Stop(server, remark: "accept queue full", isMarked: true)])
            ])
        case .replyBypasses: return DrawnPath(rows: [there(), back(nil)])
        case .oneWayHere:
            return DrawnPath(rows: [
                Row(
                    label: "there", direction: .forward,
                    stops: [Stop(client, link: .noted("not past you")), Stop(server)]),
                back(.you),
            ])
        case .noAnswer:
            let what = path.repeated == .data ? "data" : "SYN"
            if path.isFromServer { return DrawnPath(rows: [back(.you, .plain), there()]) }
            return DrawnPath(rows: [there(.broken("\(what) gets no answer"))])
        case .droppedHere:
            let packet = path.forwarding.map { $0.packet.rawValue } ?? "packet"
            return DrawnPath(rows: [
                Row(
                    direction: path.forwarding?.isFromClient ?? true ? .forward : .backward,
                    stops: [
                        Stop(client), Stop("you", hop: 0, remark: "drops the \(packet)", isMarked: true), Stop(server),
                    ])
            ])
        case .redirectIgnored:
            guard let redirect = path.redirect else { return nil }
            return DrawnPath(rows: [
                Row(
                    label: "taken", direction: .forward,
                    stops: [Stop(client), Stop(drawn(finding, redirect.from)), Stop(server)]),
                Row(
                    label: "told", direction: .forward,
                    stops: [Stop(client), Stop(drawn(finding, redirect.gateway)), Stop(server)]),
            ])
        case .droppedBetween, .loss, .oneWayTap: return nil
        }
    }

    private static func drawn(_ finding: Finding, _ error: Finding.ICMPError) -> DrawnPath? {
        guard let hop = error.hop, hop <= farthest, hop > 0 else { return nil }
        var stops = [Stop.you]
        for number in stride(from: 1, to: hop, by: 1) { stops.append(between(finding, number)) }
        let refused = drawn(finding, error.quoted.destination)
        let isHost = error.from == error.quoted.destination
        stops.append(Stop(drawn(finding, error.from), hop: hop, remark: error.reason.rawValue, isMarked: true))
        if !isHost { stops.append(Stop(refused, remark: "not reached")) }
        return DrawnPath(stops)
    }
}
