// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fixtures
import Foundation
import Packets
import Testing

/// Annotated captures as Wireshark's tools see them.
@Suite("Annotated captures in Wireshark", .enabled(if: Wireshark.isHere, "tshark and capinfos are not installed"))
struct WiresharkTests {
    @Test("It opens them without a word and shows the comment of the reset", arguments: [0, 1, 2, 3])
    func comments(kind: Int) throws {
        let sample = SampleCapture(payload: "hello")
        let capture =
            switch kind {
            case 0: sample.pcap()
            case 1: sample.pcap(magic: 0xa1b2_c3d4, isBigEndian: true)
            case 2: sample.pcapng()
            default: sample.pcapng(isBigEndian: true)
            }
        let (before, after) = (try ScratchFile(capture), try ScratchFile(try Annotated(capture).bytes))
        let comments = try run("tshark", ["-n", "-r", after.path, "-T", "fields", "-e", "frame.comment"])
        let lines = comments.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[sample.resetFrame - 1].hasPrefix("Reset by a device at hop 2, not by 10.4.0.2"))
        #expect(lines.filter { !$0.isEmpty }.count == 1)
        // What it shows of the packets is the same.
        let fields = ["frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "tcp.seq_raw", "ip.ttl"]
        let arguments = ["-T", "fields"] + fields.flatMap { ["-e", $0] }
        #expect(
            try run("tshark", ["-n", "-r", before.path] + arguments).output
                == run("tshark", ["-n", "-r", after.path] + arguments).output)
        #expect(try run("capinfos", ["-t", "-c", after.path]).output.contains("pcapng"))
    }

    @Test("A comment on a packet of the obsolete kind is shown too, and names are read")
    func obsolete() throws {
        let sample = SampleCapture()
        var builder = PcapngBuilder()
        builder.section()
        builder.interface(options: [(9, [9])])
        for frame in sample.frames { builder.obsolete(frame.bytes, ticks: frame.time) }
        let device = DeviceNames.Entry(
            device: KnownDevice(name: "web1"), mac: nil, address: .server, prefix: nil, hop: nil)
        let file = try ScratchFile(try Annotated(builder.bytes, devices: DeviceNames([device])).bytes)
        let comments = try run("tshark", ["-n", "-r", file.path, "-T", "fields", "-e", "frame.comment"])
        #expect(comments.output.contains("Reset by a device at hop 2"))
        let hosts = try run("tshark", ["-r", file.path, "-q", "-z", "hosts"])
        #expect(hosts.output.contains("10.4.0.2\tweb1"))
    }

    /// Fails where it says anything on standard error but that it runs as root.
    private func run(_ name: String, _ arguments: [String]) throws -> (output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/\(name)")
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let said = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(said.split(separator: "\n").allSatisfy { $0.hasPrefix("Running as user") }, "\(said)")
        #expect(process.terminationStatus == 0)
        return (text, said)
    }
}

/// Wireshark's command-line tools.
private enum Wireshark {
    static let isHere = ["tshark", "capinfos"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
    }
}
