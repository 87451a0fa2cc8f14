// SPDX-License-Identifier: Apache-2.0

/// The bounds of numbers in another agent's answer.
///
/// Beyond them the answer is not this program's, and is not taken.
package enum WireBounds {
    /// A TTL has eight bits, so a distance has no more.
    static let hop = 0...256
    static let mtu = 0...(1 << 32)
    static let count = 1...(1 << 32)
    static let samples = 0...(1 << 40)
    static let revision = 0...(1 << 32)
    /// 30 years and more.
    static let seconds = 0.0...1e9
    static let probability = 0.0...1.0
}
