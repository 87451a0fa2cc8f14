// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Foundation

/// `rstwho check-config`: what a configuration says, or what is wrong with it.
struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Print the effective configuration and its sources, or every problem in it.",
        discussion: """
            Reads the file, the files of its drop-in directory (FILE.d/*.yaml) and the environment, as `rstwho watch \
            --config FILE` does. Changes nothing.

            Exit status: 0 no problem, 64 usage, 74 output error, 78 the configuration has problems.
            """)

    @Argument(help: "The file.", completion: .file())
    var file = EffectiveConfiguration.standardPath

    @Flag(help: "Print the shipped file: every option with its default.")
    var defaults = false

    func run() throws {
        var output = StandardOutput()
        let effective = defaults ? nil : try effective()
        let text = effective.map { $0.files.map { "# \($0)\n" }.joined() + ConfigurationText.effective($0) }
        do throws(OutputError) {
            try output.write(text ?? ConfigurationText.shipped)
            try output.flush()
        } catch {
            throw error.exitCode
        }
        if effective?.configuration.interfaces.isEmpty == true {
            printMessage("\(file): \(WatchCommand.nothingToWatch)")
            throw ExitStatus.configuration.exitCode
        }
    }

    private func effective() throws -> EffectiveConfiguration {
        let environment = ProcessInfo.processInfo.environment
        do {
            let effective = try EffectiveConfiguration(path: file, environment: environment)
            for variable in EffectiveConfiguration.unknownVariables(in: environment) {
                printMessage("\(variable) in the environment is no option")
            }
            return effective
        } catch {
            for problem in error.problems { printMessage(problem.description) }
            throw ExitStatus.configuration.exitCode
        }
    }
}
