// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// Datagrams and a TCP connection at a steady rate, as `Traffic/steady.py` makes them, and what became of them.
final class SteadyTraffic {
    struct Sent: Decodable {
        let datagrams: Int
        let bytes: Int
        let retransmissions: Int
    }

    struct Received: Decodable {
        let datagrams: Int
        let bytes: Int
        /// The longest delay of a datagram, in ms.
        let longest: Double
    }

    private static let port = "5001"
    private static let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Traffic/steady.py").path

    private let sender: ChildProcess
    private let receiver: ChildProcess

    /// Starts it towards an address of the receiver.
    init(from source: Namespace, to target: Namespace, _ address: String) throws {
        receiver = try target.start(["python3", "-B", Self.script, "receive", Self.port])
        try receiver.waitForStandardError("ready", timeout: 10)
        sender = try source.start(["python3", "-B", Self.script, "send", address, Self.port])
    }

    /// Ends it.
    func stop() throws -> (sent: Sent, received: Received) {
        sender.send(SIGTERM)
        return (try Self.said(by: sender), try Self.said(by: receiver))
    }

    private static func said<Words: Decodable>(by child: ChildProcess) throws -> Words {
        let status = try child.wait(timeout: 20)
        guard status == 0 else {
            let message = String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self)
            throw LabError("\(child.name): \(message)")
        }
        return try JSONDecoder().decode(Words.self, from: Data(contentsOf: child.standardOutput))
    }
}
