// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import YAML

/// A configuration that was put together from its layers, and where each value comes from.
///
/// Of two values the later layer's counts: defaults, the file, its drop-in files in the order of their names, the
/// environment, the command line. A list replaces a list.
package struct EffectiveConfiguration: Sendable {
    package private(set) var configuration = Configuration()
    /// The files that were read, in their order.
    package private(set) var files: [String] = []
    private var sources: [String: SettingSource] = [:]

    /// The path of the service's configuration.
    package static let standardPath = "/etc/rstwho/rstwho.yaml"

    /// Reads all layers.
    ///
    /// - Parameters:
    ///   - path: the file; `nil` for none. Its drop-in directory is `PATH.d`.
    ///   - environment: of which the variables of `ConfigurationOption.variable` matter.
    ///   - arguments: what the command line says.
    /// - Throws: with everything that is wrong in any layer.
    package init(path: String?, environment: [String: String], arguments: [Setting] = []) throws(ConfigurationError) {
        var problems: [ConfigurationProblem] = []
        if let path {
            var dropIns: [String] = []
            do { dropIns = try ConfigurationFile.dropIns(of: path) } catch { problems += error.problems }
            files = [path] + dropIns
            for file in files { problems += take(file) }
        }
        for option in ConfigurationOption.all {
            guard let text = environment[option.variable] else { continue }
            let value = option.takesList ? SettingValue.list(Self.items(text)) : .scalar(text)
            problems += take([Setting(option.key, value, .environment(option.variable))])
        }
        problems += take(arguments)
        if !configuration.devicesFile.isEmpty {
            do {
                configuration.devices = try DevicesFile.read(configuration.devicesFile)
            } catch {
                problems += error.problems
            }
        }
        if !configuration.hashKeyFile.isEmpty {
            do {
                configuration.hashKey = try HashKeyFile.read(configuration.hashKeyFile)
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    }

    /// Returns the source of an option's value.
    package func source(of key: String) -> SettingSource { sources[key] ?? .standard }

    /// Variables that look like options and are none: typing errors, mostly.
    package static func unknownVariables(in environment: [String: String]) -> [String] {
        let known = Set(ConfigurationOption.all.map(\.variable))
        return environment.keys.filter { $0.hasPrefix("RSTWHO_") && !known.contains($0) }.sorted()
    }

    /// The environment of this process.
    package static var processEnvironment: [String: String] {
        var environment: [String: String] = [:]
        for option in ConfigurationOption.all {
            if let value = getenv(option.variable) { environment[option.variable] = String(cString: value) }
        }
        return environment
    }

    /// Takes over what a file sets; gives what is wrong with it, by line.
    private mutating func take(_ file: String) -> [ConfigurationProblem] {
        do {
            let (settings, problems) = try ConfigurationFile.read(file)
            return (problems + take(settings)).sorted { ($0.source.line ?? 0) < ($1.source.line ?? 0) }
        } catch {
            return error.problems
        }
    }

    private mutating func take(_ settings: [Setting]) -> [ConfigurationProblem] {
        settings.compactMap { take($0) }
    }

    private mutating func take(_ setting: Setting) -> ConfigurationProblem? {
        guard let option = ConfigurationOption.named(setting.key) else {
            return ConfigurationProblem(setting.source, ConfigurationOption.unknown(setting.key))
        }
        guard option.apply(setting.value, &configuration) else {
            return ConfigurationProblem(
                setting.source, "\(setting.key) \(Self.said(setting.value)); it takes \(option.allowed)")
        }
        sources[setting.key] = setting.source
        return nil
    }

    private static func items(_ text: String) -> [String] {
        text.split(separator: ",").map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
    }

    private static func said(_ value: SettingValue) -> String {
        switch value {
        case .scalar(let text): "is \(YAMLText.excerpt(text))"
        case .list(let items):
            items.isEmpty ? "is an empty list" : "is the list \(YAMLText.excerpt(items.joined(separator: ", ")))"
        case .nothing: "has no value"
        case .structure: "has options or lists below it"
        }
    }
}
