// SPDX-License-Identifier: Apache-2.0

/// The newest finding that a number counts: from the number to the case.
///
/// An id tells no address and no port.
package struct Exemplar: Sendable, Equatable {
    package var finding: String
    /// The counted or measured value.
    package var value: Double
    /// ns since 1970; `nil` where the source tells no time.
    package var time: UInt64?

    package init(finding: String, value: Double, time: UInt64?) {
        self.finding = finding
        self.value = value
        self.time = time
    }
}
