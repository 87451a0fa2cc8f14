// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import FoundationEssentials

/// The option that names the file of device and host names.
struct DeviceOptions: ParsableArguments {
    @Option(
        name: .customLong("devices"),
        help: "File with device names (YAML: name, owner, and at least one of mac, address, prefix, hop).",
        completion: .file())
    var file: String?

    /// The setting given on the command line.
    var setting: Setting? {
        file.map { file in
            // It is kept beyond the directory that a command was started in.
            Setting("devices", .scalar(file.hasPrefix("/") ? file : URL(filePath: file).path), .commandLine)
        }
    }

    /// - Throws: the exit status where the file is wrong, which is said on standard error.
    func names() throws -> DeviceNames {
        guard let file else { return DeviceNames() }
        do {
            return try DevicesFile.read(file)
        } catch {
            for problem in error.problems { printMessage(problem.description) }
            throw ExitStatus.configuration.exitCode
        }
    }
}
