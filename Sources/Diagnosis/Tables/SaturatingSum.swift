// SPDX-License-Identifier: Apache-2.0

extension UInt64 {
    /// The sum, or the greatest number: a time that never comes stays one.
    func saturatingSum(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
