// SPDX-License-Identifier: Apache-2.0
import Agent
import Testing

struct ExportTargetTests {
    @Test(arguments: [
        "off", "journal", "udp://192.0.2.10:514", "tcp://[2001:db8::1]:601", "unix:/dev/log",
        "file:/var/log/rstwho.log",
    ])
    func aTargetReadsBack(text: String) {
        #expect(ExportTarget(text)?.description == text)
    }

    @Test(arguments: [
        "", "udp://", "udp://192.0.2.10", "udp://192.0.2.10:0", "tcp://host:70000", "unix:log", "file:relative",
        "http://a:80",
        "syslog",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(ExportTarget(text) == nil)
    }
}
