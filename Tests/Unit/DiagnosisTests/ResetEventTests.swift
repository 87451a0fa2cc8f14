// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Connections that are reset together")
struct ResetEventTests {
    /// Opens a connection with each of `hosts`, and then a device at the 2nd hop resets all of them, `pause` seconds
    /// apart.
    private func cut(
        _ story: inout Story, hosts: Int, connections: Int = 2, pause: Double = 0.1, ttl: UInt8 = 63,
        isRefused: Bool = false
    ) {
        func each(_ body: (inout Story) -> Void) {
            for host in 0..<hosts {
                for connection in 0..<connections {
                    story.server = IPAddress(v4: 0x0a04_0001 + UInt32(host))
                    story.clientPort = 50_000 + UInt16(host * 100 + connection)
                    body(&story)
                }
            }
        }
        if !isRefused { each { $0.converse() } }
        story.wait(1)
        each { story in
            story.ping(1)
            story.client(
                isRefused ? .syn : [.psh, .ack], seq: 1002, ack: isRefused ? 0 : 9002, payload: isRefused ? "" : "x")
            story.server([.rst, .ack], seq: isRefused ? 0 : 9002, ack: 1003, ttl: ttl)
            story.wait(pause)
        }
    }

    private func events(_ story: Story) -> [(finding: Finding, event: Finding.ResetEvent)] {
        story.findings().compactMap { finding in
            guard case .notice(let notice) = finding.details, let event = notice.event else { return nil }
            return (finding, event)
        }
    }

    @Test("Resets of several hosts by one device within seconds are one event")
    func event() throws {
        var story = Story()
        cut(&story, hosts: 4)
        let all = events(story)
        #expect(all.count == 1)
        let first = try #require(all.first)
        #expect(first.finding.count == 8)
        #expect(first.event.hosts == 4)
        #expect(first.event.hop == 2)
        #expect(first.event.origin != nil)
        #expect(first.event.secondsSinceEarlier == nil)
        #expect(first.event.seconds > 0.5 && first.event.seconds < 2)
    }

    @Test("No event: too few hosts, resets far apart, refused connections, or the hosts' own resets")
    func noEvent() {
        var story = Story()
        cut(&story, hosts: 2, connections: 5)
        #expect(events(story).isEmpty)
        story = Story()
        cut(&story, hosts: 4, pause: 6)
        #expect(events(story).isEmpty)
        story = Story()
        cut(&story, hosts: 4, isRefused: true)
        #expect(events(story).isEmpty)
        story = Story()
        cut(&story, hosts: 4, ttl: 61)
        #expect(events(story).isEmpty)
    }

    @Test("An event that recurs tells since when")
    func recurring() throws {
        var story = Story()
        cut(&story, hosts: 3)
        story.wait(3600)
        cut(&story, hosts: 3)
        let all = events(story)
        #expect(all.count == 2)
        let since = try #require(all.last?.event.secondsSinceEarlier)
        #expect(since > 3600 && since < 3610)
        #expect(all.first?.event.hostsHeardAfter == 3)
    }
}
