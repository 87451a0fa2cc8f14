// SPDX-License-Identifier: Apache-2.0

/// What went wrong in the lab itself, as opposed to what a test found.
struct LabError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
