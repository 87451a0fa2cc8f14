// SPDX-License-Identifier: Apache-2.0
internal import Packets

/// Reads lines of conntrack(8), `-E` and `-L`, and of `/proc/net/nf_conntrack`: they hold no packets, but the state
/// that a machine keeps of a connection.
///
/// `[UPDATE] tcp      6 10 CLOSE src=10.1.0.1 dst=10.4.0.2 sport=50992 dport=22 src=10.4.0.2 … [ASSURED] mark=0 use=1`
struct ConntrackReader: TextReader {
    let program = "conntrack"

    /// The four fields of each direction, and both of them.
    private static func connection(_ line: TextCursor) -> TrackedConnection? {
        guard line.contains(" src="), line.contains(" sport="), line.contains(" dst=") else { return nil }
        var tuples: [FiveTuple] = []
        var (source, destination): (IPAddress?, IPAddress?)
        var sourcePort: UInt16?
        var (isTCP, isReplied, isAssured) = (false, true, false)
        var state: String?
        for word in line.words(limit: 48) {
            var value = word
            if value.isEqual(to: "tcp") {
                isTCP = true
            } else if value.skip("src=") {
                source = value.address
            } else if value.skip("dst=") {
                destination = value.address
            } else if value.skip("sport=") {
                sourcePort = value.port
            } else if value.skip("dport="), let source, let destination, let sourcePort, let port = value.port {
                tuples.append(
                    FiveTuple(
                        source: source, sourcePort: sourcePort, destination: destination, destinationPort: port,
                        transport: .tcp))
            } else if word.isEqual(to: "[UNREPLIED]") {
                isReplied = false
            } else if word.isEqual(to: "[ASSURED]") {
                isAssured = true
            } else if tuples.isEmpty, word.count < 16, Self.isState(word) {
                state = word.text
            }
        }
        guard isTCP, tuples.count == 2 else { return nil }
        return TrackedConnection(
            original: tuples[0], reply: tuples[1], state: state, isReplied: isReplied, isAssured: isAssured)
    }

    /// Of `tcp_conntrack_names` in Linux' nf_conntrack_proto_tcp.c.
    private static func isState(_ word: TextCursor) -> Bool {
        let states: [StaticString] = [
            "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
            "SYN_SENT2",
        ]
        return states.contains { word.isEqual(to: $0) }
    }

    func recognises(_ line: TextCursor) -> Bool {
        line.contains("tcp ") && Self.connection(line) != nil
    }

    mutating func read(_ line: TextCursor, into output: inout TextOutput) -> TextLineUse {
        guard let connection = Self.connection(line) else { return .unknown }
        output.track(connection)
        return .taken
    }

    mutating func finish(into output: inout TextOutput) {}
}
