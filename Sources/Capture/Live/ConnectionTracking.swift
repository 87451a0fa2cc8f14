// SPDX-License-Identifier: Apache-2.0
internal import CLibbpf
internal import Glibc
package import Packets

/// What the kernel's connection tracking (conntrack) knows in this network namespace.
package enum ConnectionTracking {
    /// True where something here tracks connections; asking would load the kernel's module otherwise.
    package static var isThere: Bool { access("/proc/sys/net/netfilter/nf_conntrack_count", F_OK) == 0 }

    /// The original direction of the tracked TCP connection whose replies look like `reply` before they are translated back.
    /// `nil` where none is tracked. One question to the kernel, some ten microseconds.
    package static func original(ofReply reply: FiveTuple) -> FiveTuple? {
        var question = rstwho_tuple(
            src_high: reply.source.high, src_low: reply.source.low, dst_high: reply.destination.high,
            dst_low: reply.destination.low, src_port: reply.sourcePort, dst_port: reply.destinationPort)
        var answer = rstwho_tuple()
        guard rstwho_conntrack_original(&question, &answer) == 0 else { return nil }
        return FiveTuple(
            source: IPAddress(high: answer.src_high, low: answer.src_low), sourcePort: answer.src_port,
            destination: IPAddress(high: answer.dst_high, low: answer.dst_low), destinationPort: answer.dst_port)
    }
}
