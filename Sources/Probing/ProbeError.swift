// SPDX-License-Identifier: Apache-2.0

/// Why a probe could not be made, in words for the person who asked: what, where, what to do next.
package struct ProbeError: Error, Sendable {
    /// The kind of the failure; the command line has an exit status for each.
    package enum Code: Sendable {
        /// The name means no address.
        case notFound
        /// This machine has no way to the host.
        case unreachable
        /// The privilege is missing.
        case noPermission
        /// A system call failed.
        case ioError
    }

    package var code: Code
    /// The subject of the failure: a host, a call.
    package var subject: String
    package var problem: String
    /// The next step, as a sentence; empty if there is none.
    package var advice: String

    package init(_ code: Code, subject: String, problem: String, advice: String = "") {
        self.code = code
        self.subject = subject
        self.problem = problem
        self.advice = advice
    }
}

extension ProbeError: CustomStringConvertible {
    /// `subject: problem. advice`.
    package var description: String {
        advice.isEmpty ? "\(subject): \(problem)" : "\(subject): \(problem). \(advice)"
    }
}
