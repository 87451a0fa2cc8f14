// SPDX-License-Identifier: Apache-2.0
@testable import Explanation
import Testing

@testable import Reporting

@Suite("Questions as tools print them")
struct QuestionTests {
    @Test(arguments: [
        // As one types it.
        ("10.1.0.2:50992 > 10.4.0.2:22", "10.1.0.2:50992 > 10.4.0.2:22"),
        ("10.1.0.2.50992 > 10.4.0.2.22", "10.1.0.2:50992 > 10.4.0.2:22"),
        ("10.1.0.2:50992 -> 10.4.0.2:22", "10.1.0.2:50992 > 10.4.0.2:22"),
        ("10.4.0.2:22 <- 10.1.0.2:50992", "10.1.0.2:50992 > 10.4.0.2:22"),
        ("10.1.0.2:50992 10.4.0.2:22", "10.1.0.2:50992 > 10.4.0.2:22"),
        ("10.1.0.2 10.4.0.2", "10.1.0.2 > 10.4.0.2"),
        ("10.1.0.2 > 10.4.0.2:22", "10.1.0.2 > 10.4.0.2:22"),
        ("[2001:db8::1]:50992 > [2001:db8::2]:443", "[2001:db8::1]:50992 > [2001:db8::2]:443"),
        ("10.4.0.2:22", "10.4.0.2:22"), ("10.4.0.2:ssh", "10.4.0.2:22"), ("[2001:db8::2]:https", "[2001:db8::2]:443"),
        ("10.4.0.2", "10.4.0.2"), ("2001:db8::2", "2001:db8::2"), ("fe80::1%eth0", "fe80::1"),
        ("::ffff:10.4.0.2", "10.4.0.2"), ("01JABCDEFGHJKMNPQRSTVWXYZ0", "01JABCDEFGHJKMNPQRSTVWXYZ0"),
        (" 01JABCDEFGHJKMNPQRSTVWXYZ0\n", "01JABCDEFGHJKMNPQRSTVWXYZ0"),
        // tcpdump
        (
            "19:04:07.114 IP (tos 0x0, ttl 63, id 0) 10.4.0.2.22 > 10.1.0.2.50992: Flags [R.], seq 0, ack 1",
            "10.4.0.2:22 > 10.1.0.2:50992"
        ),
        (
            "19:04:07.1 IP6 2001:db8::2.443 > 2001:db8::1.40000: Flags [R], length 0",
            "[2001:db8::2]:443 > [2001:db8::1]:40000"
        ),
        ("IP 10.4.0.2.ssh > 10.1.0.2.50992: Flags [R.]", "10.4.0.2:22 > 10.1.0.2:50992"),
        ("IP6 2001:db8::2.https > 2001:db8::1.40000: Flags [R]", "[2001:db8::2]:443 > [2001:db8::1]:40000"),
        // ss, netstat, conntrack
        (
            "ESTAB 0 0 10.1.0.2:50992 10.4.0.2:22 users:((\"ssh\",pid=1234,fd=3))",
            "10.1.0.2:50992 > 10.4.0.2:22"
        ),
        ("SYN-SENT 0 1 10.1.0.2%eth0:50992 10.4.0.2:ssh", "10.1.0.2:50992 > 10.4.0.2:22"),
        ("ESTAB 0 0 [::ffff:10.1.0.2]:50992 [::ffff:10.4.0.2]:22", "10.1.0.2:50992 > 10.4.0.2:22"),
        ("LISTEN 0 128 0.0.0.0:22 0.0.0.0:* ESTAB 10.4.0.2:22 10.1.0.2:50992", "10.4.0.2:22 > 10.1.0.2:50992"),
        ("tcp 0 0 10.1.0.2:50992 10.4.0.2:22 ESTABLISHED 1234/ssh", "10.1.0.2:50992 > 10.4.0.2:22"),
        (
            "tcp6 0 0 2001:db8::1:50992 2001:db8::2:22 ESTABLISHED 1234/ssh",
            "[2001:db8::1]:50992 > [2001:db8::2]:22"
        ),
        (
            "tcp      6 431999 ESTABLISHED src=10.1.0.2 dst=10.4.0.2 sport=50992 dport=22 src=10.4.0.2 dst=10.1.0.2 "
                + "sport=22 dport=50992 [ASSURED] mark=0 use=1",
            "10.1.0.2:50992 > 10.4.0.2:22"
        ),
        ("tcp 6 9 src=::1 dst=2001:db8::2 sport=50992 dport=22", "[::1]:50992 > [2001:db8::2]:22"),
        ("ip6 saddr ::1 ip6 daddr ::2 tcp sport 50992 tcp dport 22", "[::1]:50992 > [::2]:22"),
        // A host that speaks with itself.
        ("src=::1 dst=::1 dport=8", "src=::1 dst=::1 dport=8"),
        ("10.1.0.2:9 > 10.1.0.2:22", "10.1.0.2:9 > 10.1.0.2:22"),
        // Translated: both sides of it.
        (
            "tcp 6 1 SYN_SENT src=10.1.0.2 dst=203.0.113.9 sport=50992 dport=22 src=10.4.0.2 dst=10.1.0.2 sport=2222 "
                + "dport=50992",
            "src=10.1.0.2 dst=203.0.113.9 sport=50992 dport=22 src=10.4.0.2 dst=10.1.0.2 sport=2222 dport=50992"
        ),
        // Logs
        (
            "Nov 21 03:12:07 fw1 kernel: [123.4] REJECT IN=eth0 OUT=eth1 MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 "
                + "SRC=10.1.0.2 DST=10.4.0.2 LEN=60 TTL=63 ID=1 DF PROTO=TCP SPT=50992 DPT=22 WINDOW=64240 SYN",
            "10.1.0.2:50992 > 10.4.0.2:22"
        ),
        (
            "kernel: SRC=10.2.0.2 DST=10.1.0.2 PROTO=ICMP TYPE=3 CODE=13 [SRC=10.1.0.2 DST=10.4.0.2 PROTO=TCP SPT=50992 DPT=22 ]",
            "10.1.0.2:50992 > 10.4.0.2:22"
        ),
        (
            "trace id 1234 inet f c packet: ip saddr 10.1.0.2 ip daddr 10.4.0.2 ip ttl 63 tcp sport 50992 tcp dport 22",
            "10.1.0.2:50992 > 10.4.0.2:22"
        ),
        ("sshd[1234]: Connection reset by authenticating user root 10.1.0.2 port 50992 [preauth]", "10.1.0.2:50992"),
        ("sshd[1]: Connection from 10.1.0.2 port 50992 on 10.4.0.2 port 22", "10.1.0.2:50992 > 10.4.0.2:22"),
        ("ssh: connect to host 10.4.0.2 port 22: Connection refused", "10.4.0.2:22"),
        ("ssh: connect to host 2001:db8::2 port 22: Connection refused", "[2001:db8::2]:22"),
        ("curl: (7) Failed to connect to 10.4.0.2 port 8443 after 1 ms", "10.4.0.2:8443"),
        (
            "2026/11/21 03:12:07 [error] 7#7: *1 recv() failed (104), client: 10.1.0.2, server: _, "
                + "upstream: \"http://10.4.0.2:8080/x\"", "10.4.0.2:8080"
        ),
        (
            "%ASA-6-302014: Teardown TCP connection 1 for outside:10.4.0.2/22 to inside:10.1.0.2/50992 duration 0:00:00",
            "10.4.0.2:22 > 10.1.0.2:50992"
        ),
        (
            "%SEC-6-IPACCESSLOGP: list 101 denied tcp 10.1.0.2(50992) -> 10.4.0.2(22), 1 packet",
            "10.1.0.2:50992 > 10.4.0.2:22"
        ),
        (
            "type=\"traffic\" srcip=10.1.0.2 srcport=50992 srcintf=\"lan\" dstip=10.4.0.2 dstport=22 action=\"server-rst\"",
            "10.1.0.2:50992 > 10.4.0.2:22"
        ),
        (
            "Internet Protocol Version 4, Src: 10.4.0.2, Dst: 10.1.0.2 Transmission Control Protocol, Src Port: 22, "
                + "Dst Port: 50992, Seq: 1", "10.4.0.2:22 > 10.1.0.2:50992"
        ),
        (
            "    1 0.000000000     10.4.0.2 \u{2192} 10.1.0.2     TCP 54 22 \u{2192} 50992 [RST, ACK] Seq=1 Ack=1 Win=0",
            "10.4.0.2:22 > 10.1.0.2:50992"
        ),
        ("7\t0.5\t2001:db8::2\t2001:db8::1\tTCP\t74\t443 > 40000 [RST]", "[2001:db8::2]:443 > [2001:db8::1]:40000"),
        ("10.1.0.2 > 10.4.0.2: ICMP echo request, id 7 > 5x", "10.1.0.2 > 10.4.0.2"),
        ("psql: error: connection to server at \"10.4.0.2\", port 5432 failed: Connection refused", "10.4.0.2:5432"),
        ("ConnectionRefusedError: [Errno 111] Connect call failed ('10.4.0.2', 6379)", "10.4.0.2:6379"),
        ("HTTPConnectionPool(host='10.4.0.2', port=8080): Max retries exceeded with url: /", "10.4.0.2:8080"),
        ("debug1: Connecting to 10.4.0.2 [10.4.0.2] port 22.", "10.4.0.2:22"),
        (
            "IP (tos 0x0, ttl 63, proto TCP (6), length 40)\n    10.4.0.2.22 > 10.1.0.2.50992: Flags [R.]\n",
            "10.4.0.2:22 > 10.1.0.2:50992"
        ),
        ("haproxy: 10.1.0.2:50992 [21/Nov] fe be/s\nhaproxy: 10.1.0.7:40000 [21/Nov] fe be/s\n", "10.1.0.2:50992"),
        ("State\nESTAB 0 0 10.1.0.2:1 10.4.0.2:22\nESTAB 0 0 10.1.0.2:2 10.4.0.3:23", "10.1.0.2:1 > 10.4.0.2:22"),
        ("10.4.0.2 22", "10.4.0.2:22"), ("10.4.0.2 22 times", "10.4.0.2"), ("10.4.0.2 99999", "10.4.0.2"),
        ("10.4.0.2 tcp/22", "10.4.0.2:22"), ("('10.4.0.2', 'tcp')", "10.4.0.2"),
        (
            #"{"kind":"reset","src":"10.4.0.2","src_port":22,"dst":"10.1.0.2","dst_port":50992}"#,
            "10.4.0.2:22 > 10.1.0.2:50992"
        ),
        (
            #"{"kind":"reset","id":"01JABCDEFGHJKMNPQRSTVWXYZ0","src":"10.4.0.2"}"#, "01JABCDEFGHJKMNPQRSTVWXYZ0"
        ),
    ])
    func aToolsLineIsUnderstood(text: String, meant: String) throws {
        let question = try Question(parsing: text)
        #expect(question.text == meant)
        // What is asked again means the same.
        #expect(try Question(parsing: question.text) == question)
    }

    @Test(arguments: [
        "", "who sent it", "10.4.0", "10.4.0.256", "1.2.3.4.5.6", "10.4.0.2.99999 and no more", "std::vector", "::",
        "0.0.0.0:22",
        "2.0.4.10.in-addr.arpa", "01JABCDEFGHJKMNPQRSTVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "03:12:07.114",
        "10.4.0.0/16", "10.0.0.1 10.0.0.2 10.0.0.3", "ip-10-4-0-2", "02:00:00:00:00:01",
    ])
    func whatAsksNothingIsRefused(text: String) {
        #expect(throws: Question.Problem.self) { try Question(parsing: text) }
    }

    @Test(arguments: [("o-1", true), ("o-1234567890", true), ("o-", false), ("o-x", false), ("o-12345678901", false)])
    func aDeviceIsListedElsewhere(text: String, isDevice: Bool) {
        #expect(Question.isDevice(text) == isDevice)
        do {
            _ = try Question(parsing: text)
            Issue.record("\(text) was understood")
        } catch {
            #expect(error.text.contains("rstwho resets --origin \(text)") == isDevice)
        }
    }

    @Test func aRefusalSaysWhatIsAllowed() {
        do {
            _ = try Question(parsing: "nonsense")
            Issue.record("nonsense was understood")
        } catch {
            #expect(error.text.hasPrefix("No address is in it. Give an address, a finding's id, or a connection"))
        }
        #expect(throws: Question.Problem.self) {
            try Question(parsing: String(repeating: "10.4.0.2 ", count: Question.maximumText))
        }
    }
}
