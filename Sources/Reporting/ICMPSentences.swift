// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis
internal import Packets

/// What people read of an ICMP error: who refused what, and why.
struct ICMPSentences {
    let finding: Finding
    let error: Finding.ICMPError

    var summary: String {
        "\(finding.text(error.from)), at the \(ordinal(error.hop)) hop, sent an ICMP error (type \(error.type), code "
            + "\(error.code)) about a packet to \(finding.text(error.quoted.destination))."
    }

    var advice: String { "Ask whoever runs \(finding.text(error.from))." }
}
