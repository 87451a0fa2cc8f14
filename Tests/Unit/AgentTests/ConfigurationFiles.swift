// SPDX-License-Identifier: Apache-2.0
import Agent
import Foundation
import Testing

/// A directory with configuration files, for one test.
final class ConfigurationFiles {
    let path: String
    private let directory: URL

    init(_ text: String, dropIns: [String: String] = [:]) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "rstwho-\(UUID().uuidString)")
        let file = directory.appending(path: "rstwho.yaml")
        path = file.path
        try FileManager.default.createDirectory(
            at: directory.appending(path: "rstwho.yaml.d"), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        for (name, text) in dropIns {
            try Data(text.utf8).write(to: directory.appending(path: "rstwho.yaml.d/\(name)"))
        }
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    func load(environment: [String: String] = [:], arguments: [Setting] = []) throws(ConfigurationError)
        -> EffectiveConfiguration
    {
        try EffectiveConfiguration(path: path, environment: environment, arguments: arguments)
    }

    /// Returns the problems without the directory's name; empty if there are none.
    func problems(environment: [String: String] = [:]) -> [String] {
        do {
            _ = try load(environment: environment)
            return []
        } catch {
            return error.problems.map { $0.description.replacing(directory.path + "/", with: "") }
        }
    }
}
