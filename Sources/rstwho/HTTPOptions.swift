// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser

/// The options of the HTTP interface.
struct HTTPOptions: ParsableArguments {
    @Option(
        name: .customLong("http"),
        help: ArgumentHelp(
            "Address of page, API and metrics (default: \(HTTPAddress.standard)). They show who talks to whom.",
            valueName: "address:port"))
    var address: HTTPAddress?

    @Option(
        name: .customLong("http-socket"),
        help: ArgumentHelp("Serve page, API and metrics on this Unix socket instead.", valueName: "path"),
        completion: .file())
    var socket: String?

    @Option(
        name: .customLong("http-name"),
        help: ArgumentHelp("An additional name that requests may use as Host. May be repeated.", valueName: "name"))
    var names: [String] = []

    @Flag(name: .customLong("no-http"), help: "Serve no page, no API and no metrics.")
    var isOff = false

    func validate() throws {
        if isOff, address != nil || socket != nil || !names.isEmpty {
            throw ValidationError("--no-http goes with no other --http option.")
        }
        if address != nil, socket != nil {
            throw ValidationError("Give --http or --http-socket, not both.")
        }
        if let socket, socket.isEmpty || socket.utf8.count > 107 {
            throw ValidationError("--http-socket takes a path of 1 to 107 bytes.")
        }
    }

    /// The settings given on the command line.
    var settings: [Setting] {
        var settings: [Setting] = []
        if isOff { settings.append(Setting("http.listen", .scalar("off"), .commandLine)) }
        if let address { settings.append(Setting("http.listen", .scalar(address.description), .commandLine)) }
        if let socket { settings.append(Setting("http.listen", .scalar("unix:\(socket)"), .commandLine)) }
        if !names.isEmpty { settings.append(Setting("http.names", .list(names), .commandLine)) }
        return settings
    }
}

extension HTTPAddress: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }

    public var defaultValueDescription: String { description }
}
