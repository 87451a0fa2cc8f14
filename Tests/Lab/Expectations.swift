// SPDX-License-Identifier: Apache-2.0
import Testing

/// Expectations shared by all views of the same traffic.
extension [ReportedFinding] {
    /// At the client: the firewall answered for `server` on port 22, the server itself on its closed port 23.
    func expectFoundingCase(server: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let ssh = resets(from: 22)
        #expect(ssh.count == 1, sourceLocation: sourceLocation)
        for reset in ssh {
            #expect(reset.src == server, sourceLocation: sourceLocation)
            #expect(reset.sender == "middlebox", sourceLocation: sourceLocation)
            #expect(reset.hop == 2, sourceLocation: sourceLocation)
            #expect(reset.hostHop == 4, sourceLocation: sourceLocation)
            #expect(reset.cause == "rejected", sourceLocation: sourceLocation)
            #expect(reset.stage == "syn", sourceLocation: sourceLocation)
        }
        expectClosedPort(hop: 4, sourceLocation: sourceLocation)
        // An open port has no reset to tell of.
        #expect(resets(from: 80).isEmpty, sourceLocation: sourceLocation)
    }

    /// The server, at `hop` from here, has nobody listening on port 23.
    ///
    /// One packet that comes in and goes out is one reset.
    func expectClosedPort(hop: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        let closed = resets(from: 23)
        #expect(closed.count == 1, sourceLocation: sourceLocation)
        for reset in closed {
            #expect(["host", "host_kernel"].contains(reset.sender), sourceLocation: sourceLocation)
            #expect(reset.hop == hop, sourceLocation: sourceLocation)
            #expect(reset.cause == "port_closed", sourceLocation: sourceLocation)
        }
    }

    /// On the firewall: it made the reset of port 22 itself, in the server's name.
    func expectOwnReset(sourceLocation: SourceLocation = #_sourceLocation) {
        let own = resets(from: 22)
        #expect(own.count == 1, sourceLocation: sourceLocation)
        for reset in own {
            #expect(reset.src == Topology.serverAddress, sourceLocation: sourceLocation)
            #expect(reset.sender == "this_machine", sourceLocation: sourceLocation)
            #expect(reset.hop == 0, sourceLocation: sourceLocation)
            #expect(reset.cause == "rejected", sourceLocation: sourceLocation)
        }
    }
}

extension Topology {
    /// Repeats the steps of an on-call engineer at the client: the server answers ping, refuses ssh and port 23, and
    /// serves port 80.
    func tryEverything(server address: String) throws {
        let listener = try server.listen(on: 80)
        try ping(address)
        try ssh(address)
        try client.run(["nc", "-n", "-z", "-w", "3", address, "23"])
        try client.require(["nc", "-n", "-z", "-w", "3", address, "80"])
        listener.send(15)
    }

    func ping(_ address: String) throws {
        try client.require(["ping", "-n", "-c", "4", "-i", "0.2", "-W", "3", address])
    }

    func ssh(_ address: String) throws {
        let options = ["-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
        let output = try client.run(["ssh"] + options + ["lab@\(address)"])
        #expect(output.standardError.contains("Connection refused"))
    }
}
