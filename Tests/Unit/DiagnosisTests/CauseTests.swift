// SPDX-License-Identifier: Apache-2.0
import CPacket
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Causes of a host's resets")
struct CauseTests {
    /// A connection that was idle and that the server closes when the client writes.
    ///
    /// Seen at the client the data goes first, and its kernel acknowledges the FIN before the reset comes.
    private func crossing(dataAck: UInt32, idle: Double) -> [Finding.Cause?] {
        var story = Story()
        story.ping(4)
        story.open()
        story.client([.psh, .ack], seq: 1001, ack: 9001, payload: "GET")
        story.server([.psh, .ack], seq: 9001, ack: 1004, payload: "200")
        story.client(.ack, seq: 1004, ack: 9004)
        story.wait(idle)
        if dataAck == 9004 { story.client([.psh, .ack], seq: 1004, ack: dataAck, payload: "GET") }
        story.server([.fin, .ack], seq: 9004, ack: 1004)
        story.client(.ack, seq: dataAck == 9004 ? 1007 : 1004, ack: 9005)
        if dataAck != 9004 { story.client([.psh, .ack], seq: 1004, ack: dataAck, payload: "GET") }
        story.server(.rst, seq: 9005)
        return story.findings().map(\.reset?.cause)
    }

    @Test("Data that crosses the FIN of an idle connection is a keep-alive race, data after the FIN is late")
    func keepaliveRace() {
        #expect(crossing(dataAck: 9004, idle: 11) == [.keepaliveRace])
        #expect(crossing(dataAck: 9005, idle: 11) == [.lateData])
        #expect(crossing(dataAck: 9004, idle: 0) == [.lateData])
    }

    /// The server's address calls the client, gets `answer`, and resets.
    private func call(answer: TCPFlags) -> [Finding.Cause?] {
        var story = Story()
        story.ping(4)
        story.server(.syn, seq: 500)
        story.client(answer, seq: 1000, ack: answer.contains(.syn) ? 501 : 77_000)
        story.server(.rst, seq: answer.contains(.syn) ? 501 : 77_000)
        return story.findings().map(\.reset?.cause)
    }

    @Test("A SYN-ACK that is reset once is no check yet; a challenge ACK that is reset never is")
    func halfOpenCheck() {
        #expect(call(answer: [.syn, .ack]) == [.unknown])
        #expect(call(answer: .ack) == [.staleConnection])
    }
}
