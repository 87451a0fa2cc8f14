// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// The routers that redirected hosts to another router for a destination: a hint at asymmetric routing.
///
/// A redirect proves nothing: any neighbour can forge it. It is learned only where its TTL, its addresses and the flow
/// that it quotes fit (`ICMPMessage.isPlausibleRedirect`), and whoever asks has to weigh it.
///
/// Bounded: the newest `capacity` of (host, destination, VLAN), for `lifetime` each.
struct Redirects: Sendable {
    static let capacity = 4096
    /// ns of packet time.
    ///
    /// Linux's routers are silent for 20 s after nine redirects that were not followed (redirect_silence,
    /// net/ipv4/route.c): what is not said again within minutes is over.
    static let lifetime: UInt64 = 300_000_000_000

    struct Hint: Sendable {
        /// The router that said it.
        var from: IPAddress
        /// The router to use instead; the destination itself where that is a neighbour.
        var gateway: IPAddress
        /// The times of the first and the last redirect, in ns.
        var first: UInt64
        var time: UInt64
        /// The number of redirects.
        var count: Int
    }

    private struct Key: Hashable {
        var client: IPAddress
        var destination: IPAddress
        var domain: UInt16
    }

    private var hints: [Key: Hint] = [:]
    /// The keys in the order in which they came; the oldest stands at `oldest` once all places are taken.
    private var order: [Key] = []
    private var oldest = 0

    /// Learns from a redirect.
    ///
    /// - `isFlowSeen`: The quoted flow was seen, in the quoted direction: who does not see the traffic does not know
    ///   it.
    /// - `now`: Packet time, ns.
    ///
    /// Returns What is known now; `nil` where the redirect is not to be believed.
    @discardableResult
    mutating func learn(_ message: ICMPMessage, isFlowSeen: Bool, now: UInt64) -> Hint? {
        guard isFlowSeen, message.isPlausibleRedirect, let gateway = message.gateway else { return nil }
        let key = Key(client: message.to, destination: message.quote.destination, domain: message.domain)
        var hint = Hint(from: message.from, gateway: gateway, first: now, time: now, count: 1)
        if let known = hints[key], known.from == hint.from, known.gateway == gateway, Self.isFresh(known, now: now) {
            hint.count = known.count == .max ? .max : known.count + 1
            hint.first = known.first
        }
        if hints.updateValue(hint, forKey: key) == nil { remember(key) }
        return hint
    }

    /// Returns the recent redirect that `client` received for `destination`.
    func hint(of client: IPAddress, to destination: IPAddress, domain: UInt16, now: UInt64) -> Hint? {
        guard !hints.isEmpty,
            let hint = hints[Key(client: client, destination: destination, domain: domain)],
            Self.isFresh(hint, now: now)
        else { return nil }
        return hint
    }

    private static func isFresh(_ hint: Hint, now: UInt64) -> Bool {
        now < hint.time || now - hint.time <= lifetime
    }

    private mutating func remember(_ key: Key) {
        guard order.count == Self.capacity else {
            order.append(key)
            return
        }
        hints[order[oldest]] = nil
        order[oldest] = key
        oldest = (oldest + 1) % Self.capacity
    }
}
