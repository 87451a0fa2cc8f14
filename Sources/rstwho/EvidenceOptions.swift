// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Glibc

/// The option that names the directory for evidence files.
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

    /// Writes a finding's packets to a file that somebody named.
    ///
    /// - Throws: the exit status where there are none, or where the file cannot be written, after saying so.
    static func write(_ packets: [UInt8]?, to path: String) throws(ExitCode) {
        guard let packets else {
            printMessage(
                "\(path) was not written: no packets of it are kept, or not any more. Read the capture with --from")
            throw ExitStatus.noInput.exitCode
        }
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw failure(path) }
        defer { close(file) }
        guard Glibc.write(file, packets, packets.count) == packets.count else { throw failure(path) }
        printMessage("\(path): \(packets.count) bytes, headers only; open it with Wireshark")
    }

    private static func failure(_ path: String) -> ExitCode {
        printMessage("\(path): \(String(cString: strerror(errno)))")
        return ExitStatus.ioError.exitCode
    }
}

extension SourceOptions {
    /// The packets behind a finding of the running agent; `nil` where it has none, or not any more.
    ///
    /// - Throws: `unavailable`, said on standard error.
    func evidence(of finding: Finding) throws(ExitCode) -> [UInt8]? {
        do {
            return try RunningAgent.evidence(of: finding.id, at: agent.place)
        } catch {
            printMessage("\(agent.place): \(error.problem)")
            throw ExitStatus.unavailable.exitCode
        }
    }
}
