// SPDX-License-Identifier: Apache-2.0
import Testing

/// The lab itself: without its distances, nothing that the other tests say means anything.
@Suite("Lab topology", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct TopologyTests {
    @Test(
        "The firewall's reset comes from hop 2, the server's answers from hop 4",
        arguments: [Topology.serverAddress, Topology.serverAddressIPv6])
    func distances(server: String) throws {
        let ipv6 = server.contains(":")
        try Topology.with(ipv6: ipv6) { topology in
            let recorder = try Recorder(in: topology.client, interface: Topology.clientSide)
            let ping = try topology.client.run(["ping", "-c", "1", "-W", "3", server])
            let ssh = try topology.client.run(["nc", "-n", "-z", "-w", "3", server, "22"])
            let telnet = try topology.client.run(["nc", "-n", "-z", "-w", "3", server, "23"])
            try recorder.stop()

            #expect(ping.status == 0, "\(ping.standardOutput)")
            #expect(ssh.status == 1)
            #expect(telnet.status == 1)
            let lifetime = ipv6 ? "hlim" : "ttl"
            let echo = try recorder.text(in: topology.client, filter: "src host \(server) and (icmp or icmp6)")
            #expect(echo.contains("\(lifetime) 61,"), "\(echo)")
            let rejected = try recorder.text(in: topology.client, filter: "src host \(server) and tcp src port 22")
            #expect(rejected.contains("\(lifetime) 63,") && rejected.contains("[R.]"), "\(rejected)")
            let closed = try recorder.text(in: topology.client, filter: "src host \(server) and tcp src port 23")
            #expect(closed.contains("\(lifetime) 61,") && closed.contains("[R.]"), "\(closed)")
        }
    }

    @Test("A dropped port answers nothing")
    func dropped() throws {
        try Topology.with(policy: .drop) { topology in
            let recorder = try Recorder(in: topology.client, interface: Topology.clientSide)
            let ssh = try topology.client.run(["nc", "-n", "-z", "-w", "1", Topology.serverAddress, "22"])
            try recorder.stop()
            #expect(ssh.status == 1)
            let answers = try recorder.text(
                in: topology.client, filter: "src host \(Topology.serverAddress) and tcp")
            #expect(answers.isEmpty, "\(answers)")
        }
    }
}
