// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// The agent as a whole: capture and HTTP interface, from start to an orderly end.
package struct AgentService<Source: CaptureSource>: Sendable {
    private let capture: CaptureThread<Source>
    private let server: HTTPServer?
    private let history: HistoryService?
    private let logger: Logger
    private let endsOnHangup: Bool

    /// - `endsOnHangup`: false where SIGHUP means something else.
    package init(
        capture: CaptureThread<Source>, server: HTTPServer?, history: HistoryService? = nil, logger: Logger,
        endsOnHangup: Bool = true
    ) {
        self.capture = capture
        self.server = server
        self.history = history
        self.logger = logger
        self.endsOnHangup = endsOnHangup
    }

    /// Runs until one of `TerminationSignals`, or until there is nothing left to capture.
    ///
    /// The capture ends first, so that what is still open is told to those who listen; then the history, which stores
    /// it; then the HTTP interface.
    ///
    /// - Throws: `CaptureError` or `HTTPServerError`; everything has been ended and detached then.
    package func run() async throws {
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        if let server { services.append(Self.configuration(server)) }
        if let history { services.append(Self.configuration(history)) }
        services.append(Self.configuration(capture))
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: endingSignals, logger: logger))
        try await group.run()
    }

    private var endingSignals: [UnixSignal] {
        [.sigterm, .sigint] + (endsOnHangup && TerminationSignals.numbers.contains(SIGHUP) ? [.sighup] : [])
    }

    /// Whatever ends, for whatever reason, ends the rest in order.
    private static func configuration(_ service: any Service) -> ServiceGroupConfiguration.ServiceConfiguration {
        ServiceGroupConfiguration.ServiceConfiguration(
            service: service, successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup)
    }
}
