// SPDX-License-Identifier: Apache-2.0
import Agent
import Dispatch
import Glibc
import Logging
import Synchronization

/// Reads the configuration of a running service again at each SIGHUP, and hands on what can change while it runs.
///
/// One that is wrong changes nothing.
final class WatchReload: Sendable {
    /// The configuration file.
    let path: String
    private let running: Mutex<Configuration>
    private let new = Mutex<Configuration?>(nil)
    private let read: @Sendable () throws(ConfigurationError) -> Configuration

    /// From now on the signal ends nothing any more.
    ///
    /// - `path`: the configuration file.
    /// - `read`: reads all layers again.
    init(
        _ configuration: Configuration, path: String,
        _ read: @escaping @Sendable () throws(ConfigurationError) -> Configuration
    ) {
        self.path = path
        running = Mutex(configuration)
        self.read = read
        signal(SIGHUP, SIG_IGN)
    }

    /// Begins to take signals, until what it returns is cancelled.
    ///
    /// - `manager`: waits for the end of each reload.
    /// - `watch`: takes other interfaces.
    func start(
        manager: ServiceManager?, watch: @escaping @Sendable ([String]) -> Void
    ) -> any DispatchSourceSignal {
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        source.setEventHandler {
            manager?.reloading()
            self.reload(watch)
            manager?.ready()
        }
        source.resume()
        return source
    }

    /// The configuration, if it has changed since the last call.
    func newConfiguration() -> Configuration? {
        new.withLock { new in
            defer { new = nil }
            return new
        }
    }

    private func reload(_ watch: ([String]) -> Void) {
        let configuration: Configuration
        do {
            configuration = try read()
        } catch {
            for problem in error.problems { printMessage(problem.description, level: .error) }
            printMessage("the new configuration is wrong; the old one stays in effect", level: .error)
            return
        }
        let change = running.withLock { running in
            let change = ConfigurationChange(from: running, to: configuration)
            if change.configuration != running { new.withLock { $0 = change.configuration } }
            MessageThreshold.set(change.configuration.logLevel)
            if change.configuration.interfaces != running.interfaces { watch(change.configuration.interfaces) }
            running = change.configuration
            return change
        }
        printMessage(change.text, level: change.isPartial ? .warning : .notice)
    }
}
