// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Capture

@Suite("Session logs")
struct SessionLogTests {
    @Test(
        "The word that ends a connection is recognised, with the side that it proves",
        arguments: [
            (
                #"date=2026-11-30 type="traffic" srcip=192.0.2.10 dstip=198.51.100.20 action="server-rst" policyid=7"#,
                "FortiGate", "server's side"
            ),
            (
                #"date=2026-11-30 type="traffic" srcip=192.0.2.10 dstip=198.51.100.20 action="client-rst" policyid=7"#,
                "FortiGate", "client's side"
            ),
            (
                "1,2026/11/30 10:01:44,0123,TRAFFIC,end,192.0.2.10,198.51.100.20,tcp-rst-from-server", "PAN-OS",
                "server's side"
            ),
            (
                "%ASA-6-302014: Teardown TCP connection 9 for outside:198.51.100.20/443 to inside:192.0.2.10/41000 "
                    + "duration 0:00:30 bytes 99 TCP Reset-O", "ASA", "outside"
            ),
            (
                "%ASA-6-106015: Deny TCP (no connection) from 192.0.2.10/41000 to 198.51.100.20/443 flags RST", "ASA",
                "dropped"
            ),
            (
                "RT_FLOW_SESSION_CLOSE: session closed TCP SERVER RST: 192.0.2.10/41000->198.51.100.20/443", "SRX",
                "server's side"
            ),
            (
                "tmm[9]: RST sent from 198.51.100.20:443 to 192.0.2.10:41000, [0x1:2] {peer} TCP retransmit", "BIG-IP",
                "itself"
            ),
            (
                "haproxy[9]: 192.0.2.10:41000 [30/Nov/2026:10:01:44.1] web web/s1 1/0/30 99 SD 1/1/1/1/0 0/0",
                "HAProxy", "server"
            ),
            ("[UPDATE] tcp 6 10 CLOSE src=192.0.2.10 dst=198.51.100.20 sport=41000 dport=443", "conntrack", "reset"),
            ("recv() failed (104: Connection reset by peer) while reading response header", "application", "kernel"),
        ])
    func recognised(line: String, program: String, meaning: String) throws {
        let log = try #require(SessionLog(line))
        #expect(log.program.contains(program))
        #expect(log.meaning.contains(meaning))
        #expect(log.text.contains("neither a TTL nor a hop"))
        #expect(!log.text.contains("No reset"))
    }

    @Test(
        "Questions, packets and other lines are no session log",
        arguments: [
            "192.0.2.10:41000 > 198.51.100.20:443", "tcp ESTAB 0 0 192.0.2.10:41000 198.51.100.20:443",
            "IP 192.0.2.10.41000 > 198.51.100.20.443: Flags [R], seq 1, win 0, length 0",
            "tcp 6 431999 ESTABLISHED src=192.0.2.10 dst=198.51.100.20 sport=41000 dport=443 src=198.51.100.20 "
                + "dst=192.0.2.10 sport=443 dport=41000 [ASSURED]",
            "type=\"traffic\" action=\"accept\"", "the client-rst and server-rst of this firewall",
        ])
    func others(line: String) {
        #expect(SessionLog(line) == nil)
    }
}
