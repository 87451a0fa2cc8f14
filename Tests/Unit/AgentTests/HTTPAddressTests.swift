// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Agent

@Suite struct HTTPAddressTests {
    @Test(arguments: ["127.0.0.1:9742", "[::1]:9742", "localhost:0", "[2001:db8::1]:65535", "fw-1.example.org:80"])
    func isReadAndWrittenAlike(text: String) {
        #expect(HTTPAddress(text)?.description == text)
    }

    @Test(arguments: [
        "", ":", "9742", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "::1:80",
        "[127.0.0.1]:80", "[::1:80", "a b:80", "a/b:80", ":80", "127.0.0.1:٣",
    ])
    func isRefused(text: String) {
        #expect(HTTPAddress(text) == nil)
    }

    @Test(arguments: [("127.0.0.1:1", true), ("[::1]:1", true), ("127.9.9.9:1", true), ("localhost:1", true)])
    func loopbackIsLocal(text: String, isLocal: Bool) {
        #expect(HTTPAddress(text)?.isLocal == isLocal)
    }

    @Test(arguments: ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::2]:1", "fw.example.org:1"])
    func everythingElseIsNot(text: String) {
        #expect(HTTPAddress(text)?.isLocal == false)
    }
}

@Suite struct HostCheckTests {
    private let loopback = HostCheck(address: .standard)

    @Test(arguments: [
        "localhost", "localhost:9742", "127.0.0.1", "127.0.0.1:9742", "[::1]", "[::1]:80", "LocalHost.", "localhost:1",
    ])
    func itsOwnNamesAreAccepted(host: String) {
        #expect(loopback.accepts(host))
    }

    @Test(arguments: [
        "", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::1", "localhost:x", "10.0.0.1",
        "localhost:80:80", "evil.example:9742", "::1",
    ])
    func otherNamesAreRefused(host: String) {
        #expect(!loopback.accepts(host))
    }

    @Test func aMissingNameIsRefused() {
        #expect(!loopback.accepts(nil))
    }

    @Test func theBoundAddressAndConfiguredNamesAreAccepted() {
        let check = HostCheck(address: .tcp(host: "10.0.0.1", port: 80), names: ["FW1.example.org"])
        #expect(check.accepts("10.0.0.1:80"))
        #expect(check.accepts("fw1.example.org"))
        #expect(!check.accepts("10.0.0.2"))
        #expect(!check.accepts("fw2.example.org"))
    }

    @Test func whoListensEverywhereIsCalledByAnyAddressButNotByAnyName() {
        let check = HostCheck(address: .tcp(host: "0.0.0.0", port: 80))
        #expect(check.accepts("10.0.0.2:80"))
        #expect(check.accepts("[2001:db8::1]"))
        #expect(!check.accepts("evil.example"))
    }

    @Test func aUnixSocketHasNoName() {
        #expect(HostCheck(address: .unixSocket(path: "/s")).accepts("anything"))
    }
}
