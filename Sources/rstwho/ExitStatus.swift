// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Capture

/// The exit statuses that scripts rely on; from 64 on the numbers of sysexits.h.
enum ExitStatus: Int32 {
    /// Nothing foreign was found.
    case ok = 0
    /// A reset that its host did not send, or a path problem, was found.
    case found = 1
    case usage = 64
    /// The input is damaged, is none that is read, or holds packets that were not read while nothing was found in the
    /// others.
    ///
    /// Where something was found the status is `found`, and the summary says what was not read.
    case badInput = 65
    case noInput = 66
    case unavailable = 69
    case ioError = 74
    case noPrivilege = 77
    case configuration = 78

    init(_ error: CaptureError) {
        switch error.code {
        case .badInput: self = .badInput
        case .notFound: self = .noInput
        case .ioError: self = .ioError
        case .noPermission: self = .noPrivilege
        case .unavailable: self = .unavailable
        }
    }

    var exitCode: ExitCode { ExitCode(rawValue) }

    /// Returns the more severe of two statuses: an error precedes a finding, a greater error a lesser one.
    static func worst(_ left: ExitStatus, _ right: ExitStatus) -> ExitStatus {
        left.rawValue >= right.rawValue ? left : right
    }
}
