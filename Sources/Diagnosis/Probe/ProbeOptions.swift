// SPDX-License-Identifier: Apache-2.0
package import Packets

/// The question of a probe, and its bounds.
package struct ProbeOptions: Sendable {
    package var target: IPAddress
    package var port: UInt16
    /// Another port of the host that is known to answer.
    package var reference: UInt16?
    /// True where the target is an address of this machine.
    package var isOwnAddress = false
    /// The known distance of the target, used if it answers nothing but the SYN.
    package var baseline: ProbeBaseline?
    /// Hops that are looked at, at most; 1 to 63.
    package var maxHops = 32
    /// Packets that a hop gets before it counts as silent.
    package var tries = 3
    /// Nanoseconds between two packets.
    package var interval: UInt64 = 50_000_000
    /// Packets without an answer yet, at most.
    package var outstanding = 8
    /// Nanoseconds after which a packet counts as unanswered.
    ///
    /// At least as long as routers space their ICMP errors (Linux: `icmp_ratelimit`, 1 s), so that a second try meets a
    /// router that may answer again.
    package var timeout: UInt64 = 1_000_000_000
    /// Packets and nanoseconds after which nothing more is sent.
    package var maxPackets = 400
    package var maxTime: UInt64 = 60_000_000_000

    package init(target: IPAddress, port: UInt16) {
        self.target = target
        self.port = port
    }
}
