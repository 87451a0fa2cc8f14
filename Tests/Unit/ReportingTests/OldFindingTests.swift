// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Reporting
import Testing

/// Lines that 0.1.0 wrote, literally but for addresses, and what becomes of them.
@Suite struct OldFindingTests {
    private static let reset = #"""
        {"kind":"reset","id":"01M7YB67WXY6ANSXDA529GW4GR","revision":0,"time":"2026-11-21T06:02:39.901778000Z","frame":12,"src":"10.4.0.2","src_port":22,"dst":"10.1.0.1","dst_port":45730,"service_port":22,"flags":"RA","ttl":63,"seq":0,"ack":157759968,"sender":"middlebox","hop":2,"host_hop":4,"confidence":0.982,"cause":"rejected","stage":"syn","signature":"syn_rst_ack","origin":"o-1","packet_key":"a7a0a5bcf091c31a","count":1,"evidence":[{"name":"ttl_host","weight":4.0,"observed":"63 (64-1)","expected":"61 (64-3), 4 samples","text":"the host's own packets come from hop 4, the reset from hop 2"}],"summary":"A device at the 2nd hop sent this reset, not 10.4.0.2, which is at the 4th hop (4 packets say so). A connect to tcp/22 was refused. Its policy rejects it.","advice":"Ask whoever runs the device at hop 2 to check its policy for tcp/22."}
        """#
    private static let late = #"""
        {"kind":"reset","id":"019AQYCCG74M9T2NS5Z5T0Q066","revision":0,"time":"2015-01-03T13:05:06.567728000Z","frame":1615,"src":"10.4.0.2","src_port":80,"dst":"10.0.0.1","dst_port":55252,"service_port":80,"flags":"RA","ttl":111,"seq":3434330038,"ack":2218924379,"sender":"host","hop":18,"host_hop":18,"confidence":0.953,"cause":"late_data","stage":"after_close","idle_seconds":5.035,"next_hop_mac":"02:00:00:00:00:01","packet_key":"8dc18ec35a176674","count":1,"evidence":[{"name":"ttl_flow","weight":-1.5,"observed":"111 (128-17)","expected":"111 (128-17), 1 sample","text":"the reset came as far as this connection's other packets from there"},{"name":"sooner_than_rtt","weight":-1.0,"observed":"132.5 ms","expected":"121.9 ms","text":"it came after a round trip to the host"}],"summary":"10.4.0.2, at the 18th hop, itself sent this reset.","advice":"Usually harmless: data came after 10.4.0.2 had closed the connection."}
        """#
    private static let error = #"""
        {"kind":"icmp_error","id":"01CRFTSG9RF2F7RBWAG4NDG9BF","revision":0,"time":"2018-09-28T10:15:07.320132000Z","frame":2,"src":"2001:db8:1::2","src_port":37099,"dst":"2001:db8:8003::c7","dst_port":123,"protocol":"udp","service_port":123,"icmp":{"type":1,"code":0,"version":6,"reason":"net_unreachable","from":"2001:db8:1::3","hop":1,"to":"2001:db8:1::2","quoted":{"src":"2001:db8:1::2","src_port":37099,"dst":"2001:db8:8003::c7","dst_port":123,"protocol":"udp"}},"count":1,"evidence":[],"summary":"2001:db8:1::3, at the 1st hop, has no route to 2001:db8:8003::c7 (ICMP net unreachable).","advice":"Ask whoever runs 2001:db8:1::3 to check its route to 2001:db8:8003::c7."}
        """#
    private static let path = #"""
        {"kind":"path","id":"01KDVDNC1Y740GSYYFD3VKA89Z","revision":0,"time":"2026-01-01T00:01:12.031634000Z","frame":411,"src":"10.0.2.15","src_port":50198,"dst":"10.4.0.2","dst_port":9915,"service_port":9915,"cause":"loss","confidence":0.9,"path":{"repeated":"syn","copies":2,"seconds":[0.0,3.016,9.03],"ports":[9915],"recovered_seconds":9.03},"count":1,"evidence":[{"name":"recovered","weight":0.0,"observed":"seen 3 times, at 0, 3.0, 9.0 s","text":"it got through after 9.0 s"}],"summary":"A connection from 10.0.2.15 to 10.4.0.2, tcp/9915, was held up for 9.0 s: its SYN was lost and sent again. It works."}
        """#
    private static let notice = #"""
        {"kind":"notice","id":"01HB9SASCM4F32HF1J50ED9SG0","revision":0,"time":"2023-09-26T22:21:38.068431000Z","frame":51,"src":"10.4.0.2","src_port":443,"dst":"10.0.2.16","dst_port":36008,"service_port":443,"cause":"ttl_rewritten","count":1,"evidence":[{"name":"ttl_rewritten","weight":0.0,"observed":"64 (64-0)","text":"hosts of several networks, all with this whole initial TTL, come from one next hop"}],"summary":"A next hop gives all packets one TTL: distances through it tell nothing.","advice":"Watch on the other side of that device."}
        """#

    @Test(arguments: [reset, late, error, path, notice]) func everyKindIsRead(line: String) throws {
        let finding = try #require(JSONLines.decode(line))
        let current = JSONLines.current(line)
        #expect(current.hasPrefix(#"{"schema":2,"kind":"\#(finding.kind.rawValue)","id":"\#(finding.id)""#))
        // Nothing is lost: what 0.1.0 wrote stands in it, up to the members that are new at the end.
        let evidence = try #require(line.firstRange(of: #","evidence":["#))
        #expect(current.dropFirst(#"{"schema":2,"#.count).hasPrefix(line[..<evidence.lowerBound].dropFirst()))
        #expect(current.contains(#""problem":\#(finding.isProblem),"headline":"#))
        #expect(JSONLines.decode(current)?.summary == finding.summary)
        #expect(JSONLines.current(current) == current)
    }

    @Test func theSentencesStayAsTheyWere() throws {
        let finding = try #require(JSONLines.decode(Self.reset))
        #expect(finding.summary.hasPrefix("A device at the 2nd hop sent this reset, not 10.4.0.2"))
        #expect(finding.advice == "Ask whoever runs the device at hop 2 to check its policy for tcp/22.")
        #expect(finding.isProblem)
        #expect(finding.evidence.first?.name == .ttlHost)
    }

    @Test func evidenceWithANewNameHasIt() throws {
        let late = try #require(JSONLines.decode(Self.late))
        #expect(late.evidence.map(\.name) == [.ttlFlow, .plausibleRTT])
        #expect(JSONLines.current(Self.late).contains(#"{"name":"rtt_plausible","weight":-1.0,"#))
        #expect(!JSONLines.current(Self.late).contains("sooner_than_rtt"))
        // A reset that did come sooner keeps the name.
        let sooner = Self.late.replacing(#""sooner_than_rtt","weight":-1.0"#, with: #""sooner_than_rtt","weight":1.0"#)
        #expect(JSONLines.current(sooner).contains(#"{"name":"sooner_than_rtt","weight":1.0,"#))
    }

    @Test func whatIsNotUnderstoodStaysAsItIs() {
        for line in ["", "{}", Self.reset.replacing(#""kind":"reset""#, with: #""kind":"other""#)] {
            #expect(JSONLines.current(line) == line)
        }
    }

    /// The list of devices had `idle_timer`, in seconds.
    @Test func anOldDeviceHasItsTimer() throws {
        let old =
            #"{"items":[{"id":"o-1","sender":"middlebox","hop":2,"initial_ttl":64,"numbering":"none","window":false,"#
            + #""resets":3,"idle_timer":350.5,"causes":["idle_timeout","backscatter"],"hosts":["10.4.0.2"],"ports":[22]}]}"#
        let origin = try #require(OriginReport.decode(Array(old.utf8))?.first)
        #expect(origin.idleTimer == 350.5)
        #expect(OriginReport.line(origin).contains(#""idle_timer_seconds":350.5"#))
        #expect(origin.causes == [.idleTimeout])
    }
}
