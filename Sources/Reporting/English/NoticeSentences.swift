// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// The sentences of a notice.
struct NoticeSentences {
    let finding: Finding
    let notice: Finding.Notice

    var story: Story {
        switch notice.cause {
        case .ttlRewritten:
            Story(
                "A next hop rewrites the TTL of all packets, so hop counts through it are meaningless.",
                advice: .none("Capture on the other side of that device."))
        }
    }
}
