// SPDX-License-Identifier: Apache-2.0

/// TCP sequence numbers compare modulo 2³² (RFC 9293, 3.4).
enum SequenceNumber {
    /// True where `left` comes after `right`.
    @inline(__always)
    static func isAfter(_ left: UInt32, _ right: UInt32) -> Bool {
        Int32(bitPattern: left &- right) > 0
    }
}
