// SPDX-License-Identifier: Apache-2.0
import Fixtures
import Packets
import Testing

@testable import Diagnosis

@Suite("Fingerprints: interfaces")
struct InterfaceTests {
    private static let second = MACAddress(0x02_00_00_00_00_99)

    /// Echo replies of the server at a TTL on an interface.
    private func ping(_ story: inout Story, _ count: Int, ttl: UInt8, interface: UInt8) {
        for sequence in 0..<UInt16(count) {
            story.add(
                Ethernet().ipv4(.client, .server).echo(reply: false, identifier: 9, sequence: sequence), interface: 31)
            story.add(
                Ethernet().ipv4(.server, .client, ttl: ttl).echo(reply: true, identifier: 9, sequence: sequence),
                interface: interface)
        }
    }

    /// A refused connect, after the server answered ping at TTL 61 on interface 0.
    private func refused(ttl: UInt8, interface: UInt8, groups: [UInt8] = []) -> Story {
        var options = Engine.Options()
        options.interfaceGroups = groups
        var story = Story(options)
        ping(&story, 8, ttl: 61, interface: 0)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: ttl, interface: interface)
        return story
    }

    @Test("other_interface: a distance learned on another interface accuses nobody, but may speak for the host")
    func elsewhere() throws {
        let finding = try refused(ttl: 63, interface: 1).finding()
        #expect(finding.reset?.sender == .undetermined)
        #expect(finding.weight(.otherInterface) == 0)
        #expect(try refused(ttl: 61, interface: 1).finding().reset?.sender == .host)
        #expect(try refused(ttl: 63, interface: 0).finding().reset?.sender == .middlebox)
    }

    @Test("Members of one bond or bridge are one interface")
    func members() throws {
        #expect(try refused(ttl: 63, interface: 1, groups: [0, 0]).finding().reset?.sender == .middlebox)
        #expect(try refused(ttl: 63, interface: 1, groups: [0, 1]).finding().reset?.sender == .undetermined)
    }

    @Test("A host that is reached over two interfaces has the distances of both, however little one of them carries")
    func twoUplinks() throws {
        var story = Story()
        ping(&story, 400, ttl: 61, interface: 0)
        ping(&story, 3, ttl: 63, interface: 1)
        ping(&story, 8, ttl: 61, interface: 0)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 63, interface: 1)
        let finding = try story.finding()
        #expect(finding.reset?.sender == .undetermined)
        #expect(finding.weight(.severalDistances) == 0)

        story = Story()
        ping(&story, 400, ttl: 61, interface: 0)
        ping(&story, 3, ttl: 63, interface: 0)
        ping(&story, 8, ttl: 61, interface: 0)
        story.client(.syn)
        story.server([.rst, .ack], ack: 1001, ttl: 63, interface: 0)
        #expect(try story.finding().reset?.sender == .middlebox)
    }

    /// A connection over interface 0, its reset from another hop over interface 1.
    private func moved(mac: MACAddress = second, thenOldLink: Bool = false) -> Story {
        var story = Story()
        story.converse()
        story.add(
            Ethernet(source: mac).ipv4(.server, .client, ttl: 63)
                .tcp(22, 50992, seq: 9002, ack: 0, flags: .rst, window: 0), interface: 1)
        if thenOldLink {
            story.wait(0.01)
            story.send(.server, .ack, seq: 9002, ack: 1002)
        }
        return story
    }

    @Test("A reset over another interface than its connection's packets may come a new way")
    func connectionMoved() throws {
        let finding = try moved().finding()
        #expect(finding.reset?.sender == .undetermined)
        #expect(finding.weight(.otherInterface) == 0)
        // The same next hop: one link under two names.
        #expect(try moved(mac: .neighbour).finding().reset?.sender == .middlebox)
    }

    @Test("Where the old way still carries the connection, it does not")
    func connectionStayed() throws {
        let finding = try moved(thenOldLink: true).finding()
        #expect(finding.reset?.sender == .middlebox)
        #expect(finding.weight(.otherLink) == 5)
        #expect(finding.weight(.ttlFlow) == 4)
    }
}
