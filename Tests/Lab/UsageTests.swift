// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// Tests of wrong usage: without root, without an agent.
@Suite("Wrong usage")
struct UsageTests {
    /// A command line and what it has to come to.
    struct Case: CustomTestStringConvertible {
        var arguments: [String]
        var status: Int32
        /// A part of what is said on standard error.
        var says: String

        init(_ arguments: String, _ status: Int32, _ says: String) {
            self.arguments = arguments.split(separator: " ").map(String.init)
            self.status = status
            self.says = says
        }

        var testDescription: String { arguments.joined(separator: " ") }
    }

    /// Port 9 is discard's: no agent answers there.
    private static let nobody = "--http 127.0.0.1:9 --state /dev/null"

    @Test(arguments: [
        Case("bogus", 64, "Unexpected argument 'bogus'"),
        Case("mcp --directory /nonexistent", 66, "/nonexistent"),
        Case("read", 64, "Missing expected argument '<files> ...'"),
        Case("read FILE --bogus", 64, "Unknown option '--bogus'"),
        Case("read FILE --format xml", 64, "'text' and 'json'"),
        Case("read FILE --max-hosts 1", 64, "--max-hosts takes a number from 8"),
        Case("read /nonexistent", 66, "/nonexistent: there is no such file"),
        Case("read DIRECTORY", 65, "this is a directory"),
        Case("read EMPTY", 65, "this is empty"),
        Case("read GARBAGE", 65, "this is neither a capture nor the text of one"),
        Case("annotate FILE", 64, "Missing expected argument '--output <out>'"),
        Case("annotate FILE -o FILE", 64, "this is the input, which is not overwritten"),
        Case("annotate FILE -o /nonexistent/out", 74, "/nonexistent/out"),
        Case("annotate /nonexistent -o /dev/null", 66, "there is no such file"),
        Case("annotate GARBAGE -o /dev/null", 65, "this is neither a capture nor the text of one"),
        Case("compare FILE", 65, "one capture alone cannot be compared"),
        Case("compare FILE /nonexistent", 66, "there is no such file"),
        Case("resets --from /nonexistent", 66, "there is no such file"),
        Case("resets --from FILE --since lunch", 64, "Give a time such as 03:00"),
        Case("resets --from FILE --since 1h --until 2h", 64, "--since is later than --until"),
        Case("resets --from FILE --prefix 10.0.0.0/99", 64, "Give a prefix such as"),
        Case("resets --from FILE --port nosuch", 64, "the name of a service such as ssh"),
        Case("resets --from FILE --state /tmp", 64, "not both"),
        Case("resets --settle 1", 64, "go with --from"),
        Case("resets --origin 7", 64, "such as o-1"),
        Case("hosts --http nowhere", 64, "<address:port>"),
        Case("hosts \(nobody)", 69, "/dev/null/history.sqlite"),
        Case("explain", 64, "Missing expected argument '<what> ...'"),
        Case("explain nonsense", 64, "No address is in it"),
        Case("explain 10.0.0.1 --max-flows 100", 64, "go with --from"),
        Case("explain 10.0.0.1 --from /nonexistent", 66, "there is no such file"),
        Case("top", 64, "top needs a terminal"),
        Case("watch", 64, "name an interface to watch"),
        Case("watch lo --cpu-budget 0", 64, "--cpu-budget is \"0\"; it takes"),
        Case("watch lo --config /nonexistent", 78, "/nonexistent: cannot be read"),
        Case("check-config /nonexistent", 78, "/nonexistent: cannot be read"),
        Case("check-config GARBAGE", 78, "GARBAGE"),
        Case("check-config EMPTY", 78, "interfaces is empty; name what to watch"),
        Case("doctor nosuch0", 66, "nosuch0: there is no such interface"),
        Case("probe 127.0.0.1", 64, "<host:port>"),
        Case("forget 10.0.0.0/99", 64, "a prefix such as 10.0.0.0/8"),
        Case("forget 10.0.0.1 --state /nonexistent", 66, "/nonexistent: there is no such directory"),
    ])
    func isRefused(_ usage: Case) throws {
        let run = try Self.run(usage.arguments)
        #expect(run.status == usage.status)
        #expect(run.error.contains(usage.says), "\(run.error)")
        #expect(run.output.isEmpty || usage.arguments == ["check-config", "EMPTY"], "\(run.output)")
    }

    @Test(arguments: ["--version", "--help", "check-config --defaults", "help explain"])
    func isAnswered(_ arguments: String) throws {
        let run = try Self.run(arguments.split(separator: " ").map(String.init))
        #expect(run.status == 0)
        #expect(!run.output.isEmpty)
        #expect(run.error.isEmpty)
    }

    @Test("The help lists each command once")
    func eachCommandOnce() throws {
        let help = try Self.run(["--help"]).output.split(separator: "\n")
        let commands = help.drop { $0 != "SUBCOMMANDS:" }.dropFirst().compactMap { line -> Substring? in
            guard line.hasPrefix("  "), !line.hasPrefix("   ") else { return nil }
            return line.dropFirst(2).prefix { $0 != " " }
        }
        #expect(commands.count > 10)
        #expect(Set(commands).count == commands.count)
    }

    @Test(
        "Output that has no room is said",
        arguments: ["check-config --defaults", "resets --from FILE", "forget 10.0.0.1 --state DIRECTORY"])
    func fullOutput(_ arguments: String) throws {
        let run = try Self.run(arguments.split(separator: " ").map(String.init), output: URL(filePath: "/dev/full"))
        #expect(run.status == 74)
        #expect(run.error.contains("standard output: No space left on device"))
    }

    /// Runs rstwho in a directory with a FILE of one ping, an EMPTY file, one with GARBAGE and a DIRECTORY.
    private static func run(
        _ arguments: [String], output: URL? = nil
    ) throws -> (status: Int32, output: String, error: String) {
        let scratch = try Scratch()
        let ping =
            "2026-11-21 14:52:05.412496 IP (tos 0x0, ttl 61, id 1, offset 0, flags [DF], proto ICMP (1), length 84)\n"
            + "    10.4.0.2 > 10.1.0.1: ICMP echo reply, id 1, seq 1, length 64\n"
        try Data(ping.utf8).write(to: scratch.directory.appending(path: "FILE"))
        try Data().write(to: scratch.directory.appending(path: "EMPTY"))
        try Data([0x00, 0xff, 0x13, 0x37, 0x00, 0xfe, 0x80, 0x00]).write(
            to: scratch.directory.appending(path: "GARBAGE"))
        try FileManager.default.createDirectory(
            at: scratch.directory.appending(path: "DIRECTORY"), withIntermediateDirectories: false)
        let (standardOutput, standardError) = (output ?? scratch.file("output"), scratch.file("error"))
        let child = try ChildProcess(
            ["env", "-C", scratch.directory.path, Requirements.built("rstwho")] + arguments,
            standardOutput: standardOutput, standardError: standardError)
        let status = try child.wait(timeout: 20)
        let printed = output == nil ? try String(contentsOf: standardOutput, encoding: .utf8) : ""
        return (status, printed, try String(contentsOf: standardError, encoding: .utf8))
    }
}
