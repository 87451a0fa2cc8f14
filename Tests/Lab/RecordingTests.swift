// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// Tests of `rstwho read` with real captures, without an agent.
@Suite("Lab, from captures", .serialized, .enabled(if: Requirements.areMet, "\(Requirements.reason)"))
struct RecordingTests {
    @Test("The client's capture tells the firewall from the server", arguments: [false, true])
    func client(ipv6: Bool) throws {
        let server = ipv6 ? Topology.serverAddressIPv6 : Topology.serverAddress
        try Topology.with(ipv6: ipv6) { topology in
            let recorder = try Recorder(in: topology.client, interface: Topology.clientSide)
            try topology.tryEverything(server: server)
            try recorder.stop()
            try recorder.findings(in: topology.client).expectFoundingCase(server: server)
        }
    }

    @Test("The firewall's capture of all interfaces tells what it made from what it forwarded")
    func firewall() throws {
        try Topology.with { topology in
            let recorder = try Recorder(in: topology.firewall, interface: "any")
            try topology.tryEverything(server: Topology.serverAddress)
            try recorder.stop()
            let findings = try recorder.findings(in: topology.firewall)
            findings.expectOwnReset()
            findings.expectClosedPort(hop: 2)
            #expect(findings.resets(from: 80).isEmpty)
        }
    }

    @Test("A capture that is still written gives its findings as it grows")
    func growing() throws {
        try Topology.with { topology in
            let pipe = topology.scratch.file("pipe")
            #expect(mkfifo(pipe.path, 0o600) == 0)
            let recorder = try topology.client.start(
                ["tcpdump", "-i", Topology.clientSide, "--immediate-mode", "-U", "-w", pipe.path])
            let reader = try topology.client.start(
                ["sh", "-c", #"exec "$0" read --format json - <"$1""#, Requirements.built("rstwho"), pipe.path])
            try recorder.waitForStandardError("listening on", timeout: 10)
            try topology.ping(Topology.serverAddress)
            try topology.ssh(Topology.serverAddress)
            // Time is packet time: what comes later settles what came before.
            usleep(2_500_000)
            try topology.ping(Topology.serverAddress)
            let early = try waited(atMost: 5) { () -> ReportedFinding? in
                try ReportedFinding.complete(in: reader.standardOutput).resets(from: 22).first
            }
            #expect(recorder.isRunning)
            #expect(early?.sender == "middlebox")
            #expect(early?.hop == 2)
            recorder.send(SIGINT)
            _ = try recorder.wait(timeout: 10)
            #expect(try reader.wait(timeout: 10) == 1)
        }
    }
}
