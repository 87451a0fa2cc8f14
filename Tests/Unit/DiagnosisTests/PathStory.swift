// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets

@testable import Diagnosis

/// Connections that do not get on, told packet by packet, as they look at one point of view.
extension Story {
    /// SYN, SYN-ACK, ACK, then the SYN-ACK again at these seconds after the first, each time acknowledged.
    mutating func repeatSYNACK(at seconds: [Double], isAnswered: Bool = true, clientTTL: UInt8 = 64) {
        client(.syn, ttl: clientTTL)
        server([.syn, .ack], seq: 9000, ack: 1001)
        if isAnswered { client(.ack, seq: 1001, ack: 9001, ttl: clientTTL) }
        var last = 0.0
        for second in seconds {
            wait(max(0, second - last - Double(step) * (isAnswered ? 2e-9 : 1e-9)))
            last = second
            server([.syn, .ack], seq: 9000, ack: 1001)
            if isAnswered { client(.ack, seq: 1001, ack: 9001, ttl: clientTTL) }
        }
    }

    /// The client's first data, and again at these seconds after it.
    mutating func repeatData(at seconds: [Double], payload: String = "GET /", ttl: UInt8 = 64) {
        client([.psh, .ack], seq: 1001, ack: 9001, ttl: ttl, payload: payload)
        var last = 0.0
        for second in seconds {
            wait(second - last - Double(step) * 1e-9)
            last = second
            client([.psh, .ack], seq: 1001, ack: 9001, ttl: ttl, payload: payload)
        }
    }

    /// The client's SYN, and again at these seconds after it.
    mutating func repeatSYN(at seconds: [Double], seq: UInt32 = 1000) {
        client(.syn, seq: seq)
        var last = 0.0
        for second in seconds {
            wait(second - last - Double(step) * 1e-9)
            last = second
            client(.syn, seq: seq)
        }
    }

    /// A connection to another port of the same server that works.
    mutating func work(port: UInt16, clientPort: UInt16 = 40_000) {
        let (service, client) = (serverPort, self.clientPort)
        (serverPort, self.clientPort) = (port, clientPort)
        converse()
        (serverPort, self.clientPort) = (service, client)
    }

    /// Returns the path findings, the end of the capture included.
    func paths() -> [Finding] { findings().filter { $0.path != nil } }

    /// The only finding about a path.
    func path() throws -> Finding {
        let all = paths()
        guard let first = all.first, all.count == 1 else { throw NotOne(count: all.count) }
        return first
    }

    /// The causes that are said of paths.
    var causes: [Finding.PathCause] { paths().compactMap { $0.path?.cause } }
}
