// SPDX-License-Identifier: Apache-2.0
import Capture
import Packets
import Testing

@Suite("This machine's own counters")
struct LocalCountersTests {
    private static let netstat = """
        TcpExt: SyncookiesSent ListenOverflows ListenDrops IPReversePathFilter
        TcpExt: 0 12 15 3
        IpExt: InNoRoutes InTruncatedPkts
        IpExt: 7 0
        """
    private static let tracking = """
        entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop
        00000010  00000000 00000000 00000000 0000000a 00000000 00000000 00000000 00000000 00000001 00000002 00000000
        00000010  00000000 00000000 00000000 00000006 00000000 00000000 00000000 00000000 00000000 00000001 00000000
        """

    @Test("Names are looked up, and connection tracking's CPUs added up")
    func parsed() {
        let counters = LocalCounters(
            netstat: Self.netstat, tracking: Self.tracking, tracked: "16\n", maximum: "262144\n")
        #expect(counters.listenOverflows == 12)
        #expect(counters.listenDrops == 15)
        #expect(counters.reversePathFilter == 3)
        #expect(counters.trackingInvalid == 16)
        #expect(counters.trackingInsertFailed == 1)
        #expect(counters.trackingDropped == 3)
        #expect(counters.tracked == 16)
        #expect(counters.trackedMaximum == 262144)
    }

    @Test("What is not there is not known, and damage does no harm")
    func absent() {
        #expect(LocalCounters(netstat: "", tracking: "", tracked: "", maximum: "") == LocalCounters())
        let odd = LocalCounters(
            netstat: "TcpExt: ListenOverflows ListenDrops\nTcpExt: x\n", tracking: "invalid\nzz\n", tracked: "-1",
            maximum: "many")
        #expect(odd.listenOverflows == nil)
        #expect(odd.listenDrops == nil)
        #expect(odd.trackingInvalid == 0)
        #expect(odd.tracked == nil)
    }

    @Test("This machine's kernel has them")
    func read() {
        #expect(LocalCounters.read().listenOverflows != nil)
    }
}
