// SPDX-License-Identifier: Apache-2.0
package import Packets

/// One packet behind a finding, as far as it was kept.
package struct EvidencePacket: Sendable {
    /// The role of the packet in the finding.
    package enum Role: UInt8, Sendable, BitwiseCopyable {
        /// The reset that the finding is about.
        case reset
        /// The newest packet of the other direction before the reset: what drew it.
        case trigger
        /// Another packet of the connection, before the reset.
        case connection
        /// A packet of the connection after the reset.
        case after
        /// A packet of the host's own that shows how far away it is.
        case sample
        /// The request that the sample answers, which proves that the sample is no forgery.
        case request
        /// An ICMP error about the connection.
        case error
    }

    package var record: PacketRecord
    /// ns since 1970; 0 where the source tells no time.
    package var time: UInt64
    /// 1-based number in a file or text; 0 live.
    package var frame: UInt64
    /// `nil` where only the record was kept: bulk has no snapshot, and a text none at all.
    package var headers: HeaderSnapshot?
    package var role: Role

    package init(record: PacketRecord, time: UInt64, frame: UInt64, headers: HeaderSnapshot?, role: Role) {
        self.record = record
        self.time = time
        self.frame = frame
        self.headers = headers
        self.role = role
    }
}
