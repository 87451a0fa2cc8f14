// SPDX-License-Identifier: Apache-2.0
import Capture
import Foundation
import Glibc
import Packets
import Synchronization
import Testing

@testable import Agent

@Suite("Questions to the process that asks the kernel")
struct QuestionTests {
    private static func flow(_ source: String, _ destination: String) throws -> FiveTuple {
        FiveTuple(
            source: try #require(IPAddress(source)), sourcePort: 50_992,
            destination: try #require(IPAddress(destination)),
            destinationPort: 22)
    }

    private static func pair() throws -> (Int32, Int32) {
        var pair: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0)
        return (pair[0], pair[1])
    }

    /// Answers as the other process does, on a thread of its own: the shared ones may all be in tests that wait.
    private static func serve(_ socket: Int32, _ answer: @escaping @Sendable (String) -> String) {
        Thread.detachNewThread { HelperServer.serve(socket, answer: answer) }
    }

    @Test("Questions survive their text, other texts are none")
    func questions() throws {
        let questions: [PrivilegedRequest] = [
            .original(ofReply: try Self.flow("192.0.2.1", "10.0.0.1")),
            .connection(try Self.flow("2001:db8::1", "::1")), .rules,
        ]
        for question in questions { #expect(PrivilegedRequest(question.text) == question) }
        let wrong = [
            "", "rules now", "original", "original 1.2.3.4 1 5.6.7.8", "connection 1.2.3.4 1 5.6.7.8 65536",
            "connection x 1 5.6.7.8 2", "list ruleset", "connection 1.2.3.4 1 5.6.7.8 2 3",
        ]
        for text in wrong { #expect(PrivilegedRequest(text) == nil, "\(text)") }
    }

    @Test("Answers survive their text, what is no answer is a failure")
    func answers() throws {
        let original = try Self.flow("10.1.0.1", "10.4.0.2")
        let answers: [ConnectionTracking.Answer] = [
            .notFound, .failed("Operation not permitted"),
            .found(TrackedConnection(original: original, reply: original.reversed)),
            .found(
                TrackedConnection(
                    original: original, reply: try Self.flow("2001:db8::2", "2001:db8::3"), state: "SYN_SENT",
                    isReplied: true, isAssured: true, adjustsSequence: true)),
        ]
        for answer in answers { #expect(PrivilegedRequest.connection(PrivilegedRequest.text(answer)) == answer) }
        for text in ["", "found", "found 1 2 3 4 5 6 7 8 9 10", "maybe"] {
            guard case .failed = PrivilegedRequest.connection(text) else {
                Issue.record("\(text) was taken for an answer")
                continue
            }
        }
        #expect(PrivilegedRequest.original("") == nil)
        #expect(PrivilegedRequest.original("10.1.0.1 50992 10.4.0.2 22") == original)
    }

    @Test("Frames come whole, whatever the pieces")
    func frames() throws {
        var frames = HelperFrames()
        let sent = [("a\nb", 1), ("", 2), (String(repeating: "ü", count: 3000), UInt64.max)].map {
            HelperFrames.Frame(number: UInt64($0.1), text: $0.0)
        }
        var received: [HelperFrames.Frame] = []
        for byte in sent.flatMap(HelperFrames.encoded) {
            frames.append([byte])
            while let frame = try frames.next() { received.append(frame) }
        }
        #expect(received == sent)
    }

    @Test(
        "What is no frame ends it",
        arguments: ["x 1\n", "1\n", "1 -1\n", "1 99999999999\n", "1 2 3\n", "\n", String(repeating: "1", count: 64)])
    func damage(text: String) {
        var frames = HelperFrames()
        frames.append(text.utf8)
        #expect(throws: HelperFrames.Damage.self) { try frames.next() }
    }

    @Test("A question is answered; a large answer too")
    func round() throws {
        let (ours, theirs) = try Self.pair()
        Self.serve(theirs) { $0 == "large" ? String(repeating: "r", count: 4 << 20) : "\($0)!" }
        let channel = HelperChannel(socket: ours)
        #expect(channel.ask("who", milliseconds: 5000) == "who!")
        #expect(channel.ask("large", milliseconds: 20_000)?.utf8.count == 4 << 20)
        #expect(channel.ask("", milliseconds: 5000) == "!")
    }

    @Test("An answer that comes too late is not taken for the next question's")
    func late() throws {
        let (ours, theirs) = try Self.pair()
        Self.serve(theirs) { question in
            if question == "slow" { usleep(300_000) }
            return question
        }
        let channel = HelperChannel(socket: ours)
        #expect(channel.ask("slow", milliseconds: 20) == nil)
        #expect(channel.ask("next", milliseconds: 5000) == "next")
    }

    @Test("Where the other end has gone it is said once, and nobody waits")
    func gone() throws {
        let (ours, theirs) = try Self.pair()
        let told = Mutex(0)
        let channel = HelperChannel(socket: ours) { told.withLock { $0 += 1 } }
        close(theirs)
        let start = ContinuousClock.now
        for _ in 0..<3 { #expect(channel.ask("who", milliseconds: 2000) == nil) }
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(told.withLock { $0 } == 1)
    }
}
