// SPDX-License-Identifier: Apache-2.0

/// An error in the lab itself, as opposed to a failed expectation.
struct LabError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
