// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

/// The sentences about evidence from the header fields of a reset, and from its time.
struct HeaderWords {
    private let piece: Evidence

    init(_ piece: Evidence) { self.piece = piece }

    private var observed: String { piece.observed?.text ?? "" }
    private var expected: String { piece.expected?.text ?? "" }
    private var counter: Evidence.Value.Counter? {
        if case .next(_, let counter)? = piece.expected { counter } else { nil }
    }

    var sentence: String {
        switch piece.name {
        case .triggerIdentification:
            piece.expected == .sign(.otherIdentification)
                ? "the reset repeats the IP-ID of the packet that it answers; a host uses its own, an injector may copy it"
                : "the reset repeats the IP-ID of a packet that the other side had just sent"
        case .reflected: reflected
        case .ownCounter:
            counter == .connection
                ? "the reset's IP-ID continues this connection's" : "the reset's IP-ID continues the host's counter"
        case .otherCounter:
            counter == .shared
                ? "packets of many hosts share one IP-ID counter, which the reset continues: a NAT numbers them, and it may "
                    + "only pass the reset on"
                : "the reset's IP-ID continues the counter of another source at this hop"
        case .otherFlow:
            "its ports and sequence number continue the connection that was opened with \(expected): address translation "
                + "missed a packet of it"
        case .constantIdentification: constant
        case .triggerWindow: "the reset repeats the window of the packet that it answers"
        case .windowWithoutTimestamps: "the reset has a window but lacks the timestamps that this connection uses"
        case .application:
            "a socket of the host sent it: IP-ID or flow label, window, timestamps and TTL continue the connection's"
        case .dscpKept: "the reset carries the DSCP of the packet that it answers, as a kernel's does"
        case .dscpLost:
            "the reset lacks the DSCP of the packet that it answers, although the return path keeps DSCP: a packet filter "
                + "built it"
        case .flowLabelKept: "the reset carries this connection's flow label"
        case .flowLabelMissing: "the reset lacks the flow label that the host's TCP sets: a packet filter built it"
        case .soonerThanRTT:
            "the reset came \(observed) after the packet that it acknowledges; the host needs \(expected)"
        case .plausibleRTT: "the reset arrived no sooner than one from the host could"
        default: ""
        }
    }

    private var reflected: String {
        guard case .ttl(let reset)? = piece.observed, case .ttl(let trigger)? = piece.expected else { return "" }
        // It counted down on the way there and back.
        return "a device returned the packet that it answers with the addresses exchanged: its TTL counts on from that "
            + "packet's, so the device is at hop \((trigger - reset) / 2 + 1) at most"
    }

    private var constant: String {
        guard case .shared(_, let connections)? = piece.observed else { return "" }
        return "\(connections) resets of different connections have this same IP-ID"
    }
}
