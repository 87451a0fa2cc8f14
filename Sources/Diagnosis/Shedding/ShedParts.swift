// SPDX-License-Identifier: Apache-2.0

/// The classes of a flow that were shed while its packets could have been seen.
struct ShedParts: OptionSet, BitwiseCopyable, Sendable {
    var rawValue: UInt8

    /// Data, ACKs, UDP.
    static let bulk = ShedParts(rawValue: 1)
    /// SYN, SYN-ACK, FIN, echo.
    static let handshake = ShedParts(rawValue: 2)
}
