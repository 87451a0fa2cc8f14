// SPDX-License-Identifier: Apache-2.0
package import Packets

/// A request of the engine to the capture: record a flow in full, or no longer.
package enum FocusChange: Sendable, Equatable {
    case begin(FiveTuple)
    case end(FiveTuple)
}

/// The flows in focus, which the BPF programs record on ingress and egress.
///
/// At most `capacity` at a time, each for `duration`; what exceeds that is refused and counted. Half of the places are
/// not for flows that show a SYN only: whoever tries closed doors cannot take them from connections.
struct FocusRequests {
    static let capacity = 64
    /// ns of packet time: a client's SYN comes again after 1, 3, 7 and 15 s.
    static let duration: UInt64 = 20_000_000_000

    /// A flow's place.
    private struct Place {
        var key: FlowKey
        var flow: FiveTuple
        /// The same flow after address translation, where that differs.
        var translated: FiveTuple?
        var until: UInt64
        var isHalfOpen: Bool
    }

    private var places = [Place?](repeating: nil, count: capacity)
    private var byKey: [FlowKey: Int] = [:] {
        didSet { count = byKey.count }
    }
    private var changes: [FocusChange] = []
    private(set) var refused: UInt64 = 0

    /// Keys in focus; a translated flow has two.
    private var count = 0

    var isEmpty: Bool { count == 0 }

    /// The place of a flow, before or after translation; `nil` where it is not in focus.
    func place(of key: FlowKey) -> Int? { byKey[key] }

    /// Puts a flow into focus.
    ///
    /// - `isHalfOpen`: only SYNs were seen of it.
    ///
    /// Returns its place, or `nil` where it is in focus already or there is no room.
    mutating func request(_ key: FlowKey, as flow: FiveTuple, isHalfOpen: Bool, at now: UInt64) -> Int? {
        guard byKey[key] == nil else { return nil }
        let isFull = isHalfOpen && places.count { $0?.isHalfOpen == true } >= Self.capacity / 2
        guard !isFull, let free = places.firstIndex(where: { $0 == nil }) else {
            refused += 1
            return nil
        }
        places[free] = Place(key: key, flow: flow, until: now &+ Self.duration, isHalfOpen: isHalfOpen)
        byKey[key] = free
        changes.append(.begin(flow))
        return free
    }

    /// Says how a focused flow looks after address translation.
    mutating func translate(_ place: Int, to flow: FiveTuple, key: FlowKey) {
        guard places[place] != nil, places[place]?.translated == nil, byKey[key] == nil else { return }
        places[place]?.translated = flow
        byKey[key] = place
        changes.append(.begin(flow))
    }

    mutating func release(_ place: Int) {
        guard let old = places[place] else { return }
        places[place] = nil
        for (key, value) in byKey where value == place { byKey[key] = nil }
        changes.append(.end(old.flow))
        if let translated = old.translated { changes.append(.end(translated)) }
    }

    /// The places whose time is over.
    func expired(at now: UInt64) -> [Int] {
        places.indices.filter { index in places[index].map { now >= $0.until } ?? false }
    }

    /// Takes the next change.
    mutating func take() -> FocusChange? { changes.isEmpty ? nil : changes.removeFirst() }
}
