// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
package import Packets

/// The kernel's connection tracking (conntrack) in this network namespace.
package enum ConnectionTracking {
    /// The outcome of a query.
    package enum Answer: Sendable, Equatable {
        case found(TrackedConnection)
        case notFound
        /// The error's text.
        case failed(String)
    }

    /// The kernel's names for the states of a TCP connection, by number (`enum tcp_conntrack`,
    /// linux/netfilter/nf_conntrack_tcp.h); the first is none.
    private static let states = [
        "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
        "SYN_SENT2",
    ]

    /// True where something here tracks connections; asking would load the kernel's module otherwise.
    package static var isThere: Bool { access("/proc/sys/net/netfilter/nf_conntrack_count", F_OK) == 0 }

    /// The original direction of the tracked TCP connection whose replies look like `reply` before they are translated
    /// back.
    ///
    /// `nil` where none is tracked. One question to the kernel, some ten microseconds.
    package static func original(ofReply reply: FiveTuple) -> FiveTuple? {
        var question = rstwho_tuple(reply)
        var answer = rstwho_tuple()
        guard rstwho_conntrack_original(&question, &answer) == 0 else { return nil }
        return FiveTuple(answer)
    }

    /// The tracked TCP connection one of whose directions arrives here as `flow`.
    ///
    /// One question to the kernel.
    package static func connection(arrivingAs flow: FiveTuple) -> Answer {
        var question = rstwho_tuple(flow)
        var answer = rstwho_connection()
        let failed = rstwho_conntrack_find(&question, &answer)
        guard failed == 0 else { return failed == -ENOENT ? .notFound : .failed(SystemError.text(-failed)) }
        let state = Int(answer.state)
        return .found(
            TrackedConnection(
                original: FiveTuple(answer.original), reply: FiveTuple(answer.reply),
                state: state > 0 && state < states.count ? states[state] : nil,
                isReplied: answer.is_replied, isAssured: answer.is_assured,
                adjustsSequence: answer.adjusts_sequence))
    }
}

extension rstwho_tuple {
    fileprivate init(_ flow: FiveTuple) {
        self.init(
            src_high: flow.source.high, src_low: flow.source.low, dst_high: flow.destination.high,
            dst_low: flow.destination.low, src_port: flow.sourcePort, dst_port: flow.destinationPort)
    }
}

extension FiveTuple {
    fileprivate init(_ tuple: rstwho_tuple) {
        self.init(
            source: IPAddress(high: tuple.src_high, low: tuple.src_low), sourcePort: tuple.src_port,
            destination: IPAddress(high: tuple.dst_high, low: tuple.dst_low), destinationPort: tuple.dst_port)
    }
}
