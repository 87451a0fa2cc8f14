// SPDX-License-Identifier: Apache-2.0
internal import CPacket
package import Packets

/// Flows of which packets were shed: what is not seen of them says nothing. Asked only where a verdict is made.
extension Engine {
    /// Says that the capture sheds other flows than before.
    package mutating func noteShedding(_ change: SheddingChange) {
        context.shedding.note(change)
    }
}
