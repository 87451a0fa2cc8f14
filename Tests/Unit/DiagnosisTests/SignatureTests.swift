// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Tampering signatures")
struct SignatureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        enum Stage: Sendable { case syn, ack, data, later }

        var stage: Stage
        var resets: [(flags: TCPFlags, ack: UInt32)]
        var signature: TamperingSignature

        var testDescription: String { signature.rawValue }
    }

    static let rst: (TCPFlags, UInt32) = (.rst, 0)
    static let rstACK: (TCPFlags, UInt32) = ([.rst, .ack], 1002)

    static let cases: [Case] = [
        Case(stage: .syn, resets: [rst], signature: .synRST),
        Case(stage: .syn, resets: [rstACK], signature: .synRSTACK),
        Case(stage: .syn, resets: [rst, rstACK], signature: .synBoth),
        Case(stage: .ack, resets: [rst], signature: .ackRST),
        Case(stage: .ack, resets: [rst, rst], signature: .ackTwoRST),
        Case(stage: .ack, resets: [rstACK], signature: .ackRSTACK),
        Case(stage: .ack, resets: [rstACK, rstACK], signature: .ackTwoRSTACK),
        Case(stage: .data, resets: [rst], signature: .dataRST),
        Case(stage: .data, resets: [rstACK], signature: .dataRSTACK),
        Case(stage: .data, resets: [rst, rstACK], signature: .dataBoth),
        Case(stage: .data, resets: [rstACK, rstACK], signature: .dataTwoRSTACK),
        Case(stage: .data, resets: [(.rst, 7), (.rst, 7)], signature: .dataTwoEqualRST),
        Case(stage: .data, resets: [(.rst, 7), (.rst, 8)], signature: .dataTwoUnequalRST),
        Case(stage: .data, resets: [(.rst, 7), (.rst, 0)], signature: .dataRSTAndZero),
        Case(stage: .later, resets: [rst], signature: .laterRST),
        Case(stage: .later, resets: [rstACK], signature: .laterRSTACK),
    ]

    @Test("Each that a reset can have, told of the first reset", arguments: cases)
    func signature(of expected: Case) throws {
        var story = Story()
        story.client(.syn)
        if expected.stage != .syn {
            story.server([.syn, .ack], seq: 9000, ack: 1001)
            story.client(.ack, seq: 1001, ack: 9001)
        }
        if expected.stage == .data || expected.stage == .later {
            story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        }
        if expected.stage == .later { story.server([.psh, .ack], seq: 9001, ack: 1002, payload: "B") }
        for (number, reset) in expected.resets.enumerated() {
            story.server(reset.flags, seq: 9001 + UInt32(number), ack: reset.ack, ttl: 63)
        }
        #expect(try #require(story.findings().first).reset?.signature == expected.signature)
    }

    @Test("The set is closed: 16, each of which a finding can have")
    func closed() {
        #expect(TamperingSignature.allCases.count == 16)
        #expect(Set(Self.cases.map(\.signature)) == Set(TamperingSignature.allCases))
    }

    @Test("After a close, and without a flow, there is none")
    func none() throws {
        var story = Story()
        story.converse()
        story.send(.server, [.fin, .ack], seq: 9002, ack: 1002)
        story.send(.server, .rst, seq: 9003)
        #expect(try story.finding().reset?.signature == nil)
        story = Story()
        story.send(.server, .rst, seq: 9003)
        #expect(try story.finding().reset?.signature == nil)
    }

    @Test("A reset towards the server has one as well: both directions")
    func towardsServer() throws {
        var story = Story()
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "A")
        story.send(.client, [.rst, .ack], seq: 1002, ack: 9001, Marks(ttl: 62))
        #expect(try story.finding().reset?.signature == .dataRSTACK)
    }
}
