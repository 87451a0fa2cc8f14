// SPDX-License-Identifier: Apache-2.0
internal import Hummingbird
internal import HummingbirdCore
package import Logging
internal import NIOCore
internal import ServiceLifecycle

/// The agent's HTTP interface as a service.
package struct HTTPServer: Service {
    package struct Options: Sendable {
        package var address = HTTPAddress.standard
        /// Names that requests may use besides the address.
        package var names: [String] = []
        /// Connections at once; more wait in the kernel's queue.
        ///
        /// Those that come at the same moment are accepted together, so that there can be a few more.
        package var maximumConnections = 128
        /// Connections beyond those that only this machine gets, so that a scraper or proxy here is not kept out.
        package var reservedConnections = 16
        /// Connections of one address at once, but for this machine's own, behind which many may stand.
        package var maximumPerPeer = 16
        /// Seconds for the header of a request, from the first byte (of the first request from the connection on).
        package var headerTimeout = 5
        /// Seconds for which a connection may be silent, between requests and within one.
        package var idleTimeout = 30
        /// Seconds for which a client may leave an answer unread.
        package var writeTimeout = 10

        package init() {}
    }

    private static let maximumHeaderBytes = 16 * 1024
    private static let maximumHeaders = 64

    private let options: Options
    private let state: AgentState
    private let logger: Logger
    private let listening: @Sendable (HTTPAddress) async -> Void

    /// - `listening`: called once requests are taken, with the address that was bound.
    package init(
        options: Options, state: AgentState, logger: Logger,
        listening: @escaping @Sendable (HTTPAddress) async -> Void = { _ in }
    ) {
        self.options = options
        self.state = state
        self.logger = logger
        self.listening = listening
    }

    /// Serves until a graceful shutdown.
    ///
    /// - Throws: `HTTPServerError` where the address cannot be bound.
    package func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw HTTPServerError(address: options.address, errno: error.errnoCode)
        } catch let error as SocketAddressError {
            throw HTTPServerError(address: options.address, problem: "\(error)")
        }
    }

    private var application: some ApplicationProtocol {
        let responder = APIResponder(
            state: state, hosts: HostCheck(address: options.address, names: options.names), cache: EngineCache())
        let writeTimeout = TimeAmount.seconds(Int64(options.writeTimeout))
        let headerTimeout = TimeAmount.seconds(Int64(options.headerTimeout))
        let connections = ConnectionLimits(
            maximum: options.maximumConnections, perPeer: options.maximumPerPeer)
        let server = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [
                    RequestGuard(connections: connections, headerTimeout: headerTimeout),
                    WriteStallHandler(timeout: writeTimeout),
                ],
                idleTimeout: .seconds(Int64(options.idleTimeout)),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: Self.maximumHeaderBytes, maxHeaderListSize: Self.maximumHeaderBytes,
                    maxHeaderFieldCount: Self.maximumHeaders)))
        let configuration = ApplicationConfiguration(
            address: bindAddress, serverName: AgentVersion.name,
            availableConnectionsDelegate: MaximumAvailableConnections(
                options.maximumConnections + options.reservedConnections, logger: logger))
        return Application(
            responder: responder, server: server, configuration: configuration,
            onServerRunning: { [listening, options] channel in
                await listening(Self.bound(channel.localAddress, options.address))
            }, logger: logger)
    }

    private var bindAddress: BindAddress {
        switch options.address {
        case .tcp(let host, let port): .hostname(host, port: port)
        case .unixSocket(let path): .unixDomainSocket(path: path)
        }
    }

    /// The address with the port that the kernel chose for port 0.
    private static func bound(_ actual: SocketAddress?, _ wanted: HTTPAddress) -> HTTPAddress {
        guard case .tcp(let host, _) = wanted, let port = actual?.port else { return wanted }
        return .tcp(host: host, port: port)
    }
}
