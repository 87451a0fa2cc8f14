// SPDX-License-Identifier: Apache-2.0

/// An interface and a direction in front of a packet: `eth0  In  `, `port2 in `, `wan1 out `.
struct PrintedInterface {
    var name: TextCursor
    /// The packet was leaving.
    var isEgress: Bool

    /// Steps over them.
    ///
    /// `nil`, without moving, where they do not come next.
    init?(_ cursor: inout TextCursor) {
        var copy = cursor
        copy.skipBlanks()
        name = copy.word()
        guard (1...32).contains(name.count), copy.skipBlanks() > 0 else { return nil }
        if copy.skip("Out ") || copy.skip("out ") {
            isEgress = true
        } else if copy.skip("In ") || copy.skip("in ") || copy.skip("B ") || copy.skip("M ") || copy.skip("P ") {
            isEgress = false
        } else {
            return nil
        }
        copy.skipBlanks()
        cursor = copy
    }
}
