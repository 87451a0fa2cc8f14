// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Reporting

@Suite("Sentences of paths")
struct PathSentencesTests {
    private func finding(_ path: Finding.Path, count: Int = 1, _ evidence: [Evidence] = []) throws -> Finding {
        var finding = try sampleFinding()
        finding.fiveTuple = finding.fiveTuple.reversed
        finding.details = .path(path)
        finding.evidence = evidence
        finding.count = count
        return finding
    }

    private static func path(
        _ cause: Finding.PathCause, _ repeated: Finding.Path.Repeated, _ seconds: [Double],
        _ change: (inout Finding.Path) -> Void = { _ in }
    ) -> Finding.Path {
        var path = Finding.Path(cause: cause)
        path.repeated = repeated
        path.seconds = seconds
        path.copies = seconds.count - 1
        path.ports = [22]
        change(&path)
        return path
    }

    /// Every cause that one point of view can tell, with what decides.
    private static func cases() throws -> [(String, Finding.Path, Int)] {
        let redirect = Finding.Path.Redirect(
            from: try #require(IPAddress("10.1.0.2")), gateway: try #require(IPAddress("10.1.0.254")))
        let twice = [0, 1, 3.004]
        return [
            (
                "by a redirect",
                path(.ackNotDelivered, .synACK, twice) {
                    $0.isAcknowledgedHere = true; $0.redirect = redirect
                }, 1
            ),
            (
                "on all ports",
                path(.ackNotDelivered, .synACK, twice) {
                    $0.isAcknowledgedHere = true; $0.ports = [443, 22]
                }, 12
            ),
            ("never here", path(.ackNotDelivered, .synACK, [0, 1, 3, 7.2]), 1),
            ("queue", path(.acceptQueueFull, .synACK, twice), 3),
            ("undecided", path(.ackLostOrQueueFull, .synACK, twice) { $0.isAcknowledgedHere = true }, 1),
            ("two ways", path(.ackLostOrQueueFull, .synACK, twice) { $0.hasOtherWayBack = true }, 2),
            ("reply elsewhere", path(.replyBypasses, .data, [0, 0.2, 0.6, 1.4]), 1),
            ("request elsewhere", path(.oneWayHere, .synACK, twice), 1),
            ("tap", Finding.Path(cause: .oneWayTap), 16),
            ("filtered", path(.noAnswer, .syn, twice) { $0.answers = .ping(4) }, 1),
            ("answered here", path(.noAnswer, .syn, twice) { $0.answerPasses = true }, 1),
            (
                "stalled",
                path(.noAnswer, .data, [0, 0.2, 0.6, 1.4, 3, 6.2, 12.6]) {
                    $0.bytes = 31; $0.answers = .otherPort(80)
                }, 1
            ),
            (
                "narrow",
                path(.noAnswer, .data, [0, 0.2, 6.2]) {
                    $0.bytes = 1448; $0.isOnlyLarge = true; $0.isFromServer = true
                }, 1
            ),
            ("SYN lost", path(.loss, .syn, [0, 1]) { $0.recoveredSeconds = 1.004 }, 1),
            ("ACK lost", path(.loss, .synACK, [0, 1]) { $0.recoveredSeconds = 1.004 }, 1),
            ("data lost", path(.loss, .data, [0, 0.2, 0.6]) { $0.recoveredSeconds = 1.2 }, 4),
        ]
    }

    @Test("What was felt, what shows it, what to do")
    func all() throws {
        var text = ""
        for (name, path, count) in try Self.cases() {
            let finding = try finding(path, count: count)
            text += "\(path.cause.rawValue), \(name)\n  \(finding.summary)\n  \(finding.advice)\n"
        }
        try expectGolden(text, "path-sentences")
    }

    @Test("Another port that works speaks for the queue, and an IPv6 host is probed in brackets")
    func details() throws {
        let undecided = Self.path(.ackLostOrQueueFull, .synACK, [0, 1, 3])
        let piece = Evidence(name: "other_port_works", weight: -2, text: "")
        #expect(try finding(undecided, [piece]).summary.contains("speaks for the second"))
        #expect(try !finding(undecided).summary.contains("speaks for"))
        var finding = try finding(Self.path(.noAnswer, .syn, [0, 1]))
        finding.fiveTuple.destination = try #require(IPAddress("2001:db8::1"))
        #expect(finding.advice == "Run: rstwho probe [2001:db8::1]:\(finding.fiveTuple.destinationPort)")
    }
}
