// SPDX-License-Identifier: Apache-2.0
import Packets
import Probing
import Testing

@Suite("What a probe is asked about")
struct ProbeTargetTests {
    @Test(
        "HOST:PORT",
        arguments: [
            ("10.4.0.2:22", "10.4.0.2", 22), ("[2001:db8::1]:443", "2001:db8::1", 443),
            ("[fe80::1%eth0]:22", "fe80::1%eth0", 22), ("www.example.org:65535", "www.example.org", 65_535),
        ] as [(String, String, UInt16)])
    func read(text: String, host: String, port: UInt16) throws {
        let target = try #require(ProbeTarget(text))
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.description == text)
    }

    @Test(
        "What is none",
        arguments: [
            "", ":", ":22", "host", "host:", "host:0", "host:65536", "host:-1", "host:+1", "host:22x", "2001:db8::1:22",
            "[10.0.0.1]:22", "[]:22", "a b:22", "a\u{1b}:22", "host:٢٢",
        ])
    func refused(text: String) {
        #expect(ProbeTarget(text) == nil)
    }

    @Test("Addresses are found by the resolver, and what is none says so")
    func addresses() throws {
        let four = try #require(ProbeTarget("127.0.0.1:22")).addresses()
        #expect(four.map(\.address) == [IPAddress(v4: 0x7f00_0001)])
        let six = try #require(ProbeTarget("[::1]:22")).addresses()
        #expect(six.map(\.address) == [IPAddress(high: 0, low: 1)])
        let error = #expect(throws: ProbeError.self) {
            try ProbeTarget("127.0.0.1:22")?.addresses(isIPv6: true)
        }
        #expect(error?.code == .notFound)
    }
}
