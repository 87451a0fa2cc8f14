// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Reporting
import Testing

@Suite struct OriginReportTests {
    private static func list(hop: String = "2", timer: String = "350.0") -> [UInt8] {
        Array(
            (#"{"items":[{"id":"o-1","sender":"middlebox","hop":\#(hop),"initial_ttl":64,"numbering":"none","#
                + #""window":false,"resets":3,"idle_timer":\#(timer),"causes":[],"hosts":[],"ports":[]}]}"#).utf8)
    }

    @Test func anAgentsListIsRead() throws {
        let origins = try #require(OriginReport.decode(Self.list()))
        #expect(origins.first?.idleTimer == 350)
        #expect(OriginReport.text(origins).contains("after about 350 s of silence"))
    }

    @Test(arguments: ["1e300", "-1"])
    func aTimerThatNoneHasIsNotTaken(timer: String) {
        #expect(OriginReport.decode(Self.list(timer: timer)) == nil)
    }

    @Test(arguments: ["257", "-1", "9223372036854775807"])
    func aHopThatNoneHasIsNotTaken(hop: String) {
        #expect(OriginReport.decode(Self.list(hop: hop)) == nil)
    }
}
