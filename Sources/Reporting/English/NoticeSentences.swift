// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// What people read of a notice.
struct NoticeSentences {
    let finding: Finding
    let notice: Finding.Notice

    var summary: String {
        switch notice.cause {
        case .ttlRewritten: "A next hop gives all packets one TTL: distances through it tell nothing."
        }
    }

    var advice: String {
        switch notice.cause {
        case .ttlRewritten: "Watch on the other side of that device."
        }
    }
}
