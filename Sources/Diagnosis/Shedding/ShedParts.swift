// SPDX-License-Identifier: Apache-2.0

/// What was shed of a flow while packets of it could have been seen.
struct ShedParts: OptionSet, BitwiseCopyable, Sendable {
    var rawValue: UInt8

    /// Data, ACKs, UDP.
    static let bulk = ShedParts(rawValue: 1)
    /// SYN, SYN-ACK, FIN, echo.
    static let handshake = ShedParts(rawValue: 2)
}
