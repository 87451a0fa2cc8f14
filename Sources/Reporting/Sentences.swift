// SPDX-License-Identifier: Apache-2.0
package import Diagnosis

extension Finding {
    /// The finding as one or two plain sentences: who sent the reset, from how far, and what the user felt.
    package var summary: String { "\(sender.rawValue) sent this reset." }

    /// What to do next, as a sentence.
    package var advice: String { "" }
}
