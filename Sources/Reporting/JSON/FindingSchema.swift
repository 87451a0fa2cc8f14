// SPDX-License-Identifier: Apache-2.0

/// The contract of a finding's JSON.
package enum FindingSchema {
    /// The number of the contract's version, the first member of each finding.
    ///
    /// It rises when a member is renamed or removed, or changes its meaning; a new member leaves it as it is. Findings
    /// of 0.1.0 have no such member: that is version 1.
    package static let version = 2
}
