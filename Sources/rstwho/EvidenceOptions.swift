// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser

/// Where the packets behind findings are kept as capture files.
struct EvidenceOptions: ParsableArguments {
    @Option(
        name: .customLong("evidence"),
        help: ArgumentHelp(
            "Keep the packets behind the newest \(EvidenceDirectory.standardLimit) problems in this directory, as ID.pcapng.",
            valueName: "directory"),
        completion: .directory)
    var path: String?

    /// The directory, opened; `nil` where none is wanted.
    ///
    /// - Throws: the exit status for a directory that cannot be used, after saying so.
    func directory() throws(ExitCode) -> EvidenceDirectory? {
        guard let path else { return nil }
        do {
            return try EvidenceDirectory(path)
        } catch {
            printMessage("\(error). Name a directory for evidence files that can be written")
            throw ExitStatus.ioError.exitCode
        }
    }
}
