// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The system's words for its error numbers.
package enum SystemError {
    /// For example `No such device`.
    package static func text(_ number: Int32) -> String {
        // The C library keeps the text per thread (glibc 2.32 and later).
        strerror(number).map { String(cString: $0) } ?? "error \(number)"
    }
}
