// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The error messages about a file.
extension CaptureInput {
    static func openFailure(_ path: String, _ number: Int32) -> CaptureError {
        switch number {
        case ENOENT, ENOTDIR:
            CaptureError(.notFound, subject: path, problem: "there is no such file", errno: number)
        case EACCES, EPERM:
            CaptureError(
                .ioError, subject: path, problem: "reading it is not permitted",
                advice: "Check the permissions of the file and its directories", errno: number)
        default:
            CaptureError(.ioError, subject: path, problem: message(number), errno: number)
        }
    }

    static func message(_ number: Int32) -> String {
        String(cString: strerror(number))
    }

    static func readFailure(_ number: Int32, of name: String, after byte: UInt64) -> CaptureError {
        CaptureError(
            .ioError, subject: name, problem: "reading failed after byte \(byte): \(message(number))", errno: number)
    }

    static func compressedDamage(_ damage: CaptureFileDamage, of name: String) -> CaptureError {
        CaptureError(
            .badInput, subject: name, problem: "at byte \(damage.offset) \(damage.problem)", advice: damage.advice)
    }

    /// The file ends inside a gzip member or a zstd frame.
    static func cutShort(_ name: String, after byte: UInt64) -> CaptureError {
        CaptureError(
            .badInput, subject: name, problem: "the compressed data ends too early, after byte \(byte)",
            advice: "What came before is complete; fetch the file again if it was cut in transfer")
    }
}
