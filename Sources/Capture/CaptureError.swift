// SPDX-License-Identifier: Apache-2.0

/// Why packets cannot be had from a source, in words for the person who asked: what, where, what to do next.
package struct CaptureError: Error, Sendable {
    /// The kind of the failure; the command line has an exit status for each.
    package enum Code: Sendable {
        /// The input is not what it should be: not a capture, damaged, cut.
        ///
        /// What came before was delivered.
        case badInput
        /// There is no such file or interface.
        case notFound
        /// Reading, writing or a system call failed.
        case ioError
        /// The privilege is missing.
        case noPermission
        /// This kernel or interface cannot do it, or something else stands in the way.
        case unavailable
    }

    package var code: Code
    /// The subject of the failure: a file name, an interface.
    package var subject: String
    /// The problem, for example `the packet at byte 1234 says that it has 4294967295 bytes`.
    package var problem: String
    /// The next step, as a sentence; empty if there is none.
    package var advice: String
    /// The system's error number where a call failed, else 0.
    package var errno: Int32

    package init(_ code: Code, subject: String, problem: String, advice: String = "", errno: Int32 = 0) {
        self.code = code
        self.subject = subject
        self.problem = problem
        self.advice = advice
        self.errno = errno
    }
}

extension CaptureError: CustomStringConvertible {
    /// `subject: problem. advice`.
    package var description: String {
        advice.isEmpty ? "\(subject): \(problem)" : "\(subject): \(problem). \(advice)"
    }
}
