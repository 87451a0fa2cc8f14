// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Packets
import Testing

@testable import Agent

@Suite struct RunningAgentHostsTests {
    private static let address = IPAddress(v4: 0x0a04_0002)

    private static func answer(
        address: String = "10.4.0.2", ttl: String = "61", local: Bool = false, shared: Bool = false,
        samples: String = #"{"echo":3,"tcp":2,"udp":0,"unproven":40}"#, copies: Int = 1
    ) -> [UInt8] {
        let host =
            #"{"address":"\#(address)","hop":4,"ttl":\#(ttl),"initial_ttl":64,"local":\#(local),"shared":\#(shared),"#
            + #""samples":\#(samples),"first_seen":"2026-01-31T23:59:59Z","last_seen":"2026-01-31T23:59:59Z"}"#
        return Array("{\"items\":[\(Array(repeating: host, count: copies).joined(separator: ","))]}".utf8)
    }

    @Test func aHostsDistanceIsRead() {
        let baseline = RunningAgent.baseline(of: Self.address, in: Self.answer())
        #expect(baseline == ProbeBaseline(distance: HopDistance(ttl: 61), samples: 5))
    }

    @Test(arguments: [
        answer(address: "10.4.0.3"), answer(ttl: "256"), answer(ttl: "-1"), answer(local: true), answer(shared: true),
        answer(samples: #"{"echo":0,"tcp":0,"udp":0,"unproven":40}"#), answer(samples: #"{"echo":-1}"#),
        answer(samples: #"{"echo":9223372036854775807,"tcp":9223372036854775807}"#), answer(copies: 0),
        answer(copies: 2), Array("{}".utf8), Array("not JSON".utf8), [],
    ])
    func whatTellsNoDistanceIsNotTaken(answer: [UInt8]) {
        #expect(RunningAgent.baseline(of: Self.address, in: answer) == nil)
    }
}
