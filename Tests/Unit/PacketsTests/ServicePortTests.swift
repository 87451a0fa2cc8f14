// SPDX-License-Identifier: Apache-2.0
import Packets
import Testing

@Suite struct ServicePortTests {
    private let tuple = FiveTuple(
        source: IPAddress(v4: 0x0a04_0002), sourcePort: 50_051, destination: IPAddress(v4: 0x0a01_0001),
        destinationPort: 40_000)

    @Test func theServersPortIsTheServices() {
        #expect(tuple.servicePort(serverIsSource: true) == 50_051)
        #expect(tuple.servicePort(serverIsSource: false) == 40_000)
    }

    @Test func whereNobodyKnowsItIsTheLower() {
        #expect(tuple.servicePort(serverIsSource: nil) == 40_000)
    }
}
