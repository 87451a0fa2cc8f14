// SPDX-License-Identifier: Apache-2.0
import Explanation
import FleetStore
import Packets
import Testing

/// Statements that select records.
struct StoreStatementsTests {
    private let client = IPAddress(v4: 0x0a01_0001)
    private let server = IPAddress(v4: 0x0a04_0002)

    private func statements(realm: String? = nil) -> StoreStatements {
        StoreStatements(dialect: .floor, database: "rstwho", realm: realm)
    }

    private func pattern(_ clientPort: UInt16?, _ serverPort: UInt16?) -> Question.FlowPattern {
        Question.FlowPattern(.init(client, clientPort), .init(server, serverPort))
    }

    @Test func bothDirectionsAreOnTheKey() {
        let there = statements().isSighting(of: pattern(50_992, 22))
        let back = statements().isSighting(
            of: Question.FlowPattern(.init(server, 22), .init(client, 50_992)))
        #expect(there == back)
        #expect(there.contains("low = '::ffff:10.1.0.1' AND high = '::ffff:10.4.0.2'"))
        #expect(there.contains("low_port = 50992 AND high_port = 22"))
    }

    @Test func aPortThatIsNotKnownIsNoCondition() {
        let text = statements().isSighting(of: pattern(nil, 22))
        #expect(!text.contains("low_port"))
        #expect(text.contains("high_port = 22"))
    }

    @Test func aFindingMayGoEitherWay() {
        let text = statements().isFinding(of: pattern(50_992, 22))
        #expect(text.contains("src_port = 50992"))
        #expect(text.contains("dst_port = 50992"))
    }

    @Test func namesCannotLeaveTheirLiteral() {
        let text = statements(realm: "a' OR realm != '\\").findings("", 0...1, isWhole: false, limit: 5)
        #expect(text.contains("realm = 'a\\' OR realm != \\'\\\\'"))
    }

    @Test func partitionsAreChosenByTime() {
        let text = statements().sightings("", 1_796_000_000_500_000_000...1_796_000_001_500_000_000, limit: 9)
        #expect(text.contains("time >= toDateTime(1796000000) AND time <= toDateTime(1796000001)"))
        #expect(text.contains("at >= 1796000000500000000 AND at <= 1796000001500000000"))
        #expect(text.hasSuffix("LIMIT 9 FORMAT JSONEachRow"))
    }

    @Test func theEndOfTimeFitsIntoASecondsColumn() {
        #expect(statements().agents(0...UInt64.max, limit: 1).contains("time <= toDateTime(4294967295)"))
    }

    @Test func prefixesHaveTwoForms() throws {
        let prefix = try #require(IPPrefix("10.4.0.0/16"))
        let old = StoreStatements(dialect: Dialect(major: 18, minor: 16), database: "rstwho", realm: nil)
        #expect(statements().isHost(in: prefix).contains("toIPv6('::ffff:10.4.255.255')"))
        #expect(old.isHost(in: prefix).contains("IPv6StringToNum('::ffff:10.4.0.0')"))
        let host = try #require(IPPrefix("10.4.0.2/32"))
        #expect(statements().isHost(in: host) == "address = '::ffff:10.4.0.2'")
    }
}
