// SPDX-License-Identifier: Apache-2.0

/// The position and the reason where a capture becomes unreadable.
///
/// Everything before `offset` was delivered.
struct CaptureFileDamage: Error {
    /// Of the record that is damaged, in bytes from the start of the (uncompressed) capture.
    var offset: UInt64
    /// A clause that goes on after `at byte N`.
    var problem: String
    var advice = "What came before is complete"
}

/// The demand of a decoder after it has taken `consumed` bytes.
struct CaptureFileStep {
    enum Wish {
        /// At least this many bytes, counted from the first that was not consumed.
        case bytes(Int)
        /// Discard that many bytes unread, then call again.
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
