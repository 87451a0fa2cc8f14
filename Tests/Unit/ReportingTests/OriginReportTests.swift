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

    @Test func aFarHopHasAnotherReading() throws {
        let far = try #require(OriginReport.decode(Self.list(hop: "36")))
        #expect(OriginReport.text(far).contains("device at hop 36, or hop 4 if it started from 32: 3 resets"))
        #expect(OriginReport.line(far[0]).contains(#""hop":36,"hop_alternatives":[4],"#))
        let near = try #require(OriginReport.decode(Self.list(hop: "32")))
        #expect(OriginReport.text(near).contains("device at hop 32: 3 resets"))
        #expect(!OriginReport.line(near[0]).contains("alternatives"))
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
