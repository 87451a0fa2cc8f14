// SPDX-License-Identifier: Apache-2.0

/// Where a capture stops making sense, and why. Everything before `offset` was delivered.
struct CaptureFileDamage: Error {
    /// Of the record that is damaged, in bytes from the start of the (uncompressed) capture.
    var offset: UInt64
    /// A clause that goes on after `at byte N`.
    var problem: String
    var advice = "What came before is complete"
}

/// What a decoder wants after it has taken `consumed` bytes.
struct CaptureFileStep {
    enum Wish {
        /// At least this many bytes, counted from the first that was not consumed.
        case bytes(Int)
        /// That many bytes be thrown away unread; then to be called again.
        case skip(UInt64)
        /// Its packets be taken out of the batch, which is full.
        case delivery
    }

    var consumed: Int
    var wish: Wish

    init(_ consumed: Int, _ wish: Wish) {
        self.consumed = consumed
        self.wish = wish
    }
}
