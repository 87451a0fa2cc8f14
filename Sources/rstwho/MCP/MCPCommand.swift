// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import Reporting

/// `rstwho mcp`: answers a client of the Model Context Protocol on standard input and output.
struct MCPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract: "Answer an assistant's questions (Model Context Protocol on standard input and output).",
        discussion: """
            Offers read, explain, compare, hosts, origins and resets as tools, for captures and for the running agent. All \
            of them only read. Files are read below --directory only. Each call runs in a process of its own, for at most \
            \(ToolRun.patience) seconds, and gives at most \(ToolRun.outputLimit / 1024) KiB.

            Exit status: 0 at the end of its input, 64 usage, 66 no such directory, 74 I/O error.
            """)

    @Option(
        name: .customLong("directory"), help: "The directory whose files may be read. (default: the current one)",
        completion: .directory)
    var directory = "."

    @Option(
        name: .customLong("addresses"),
        help: "Form of addresses: full, truncated (/24, /48) or pseudonyms (consistent in one answer).")
    var addresses = AddressPrivacy.Kind.full

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        guard let resolved = realpath(directory, nil) else {
            printMessage("\(directory): \(String(cString: strerror(errno)))")
            throw ExitStatus.noInput.exitCode
        }
        defer { free(resolved) }
        var session = MCPSession(directory: String(cString: resolved), addresses: addresses)
        do throws(OutputError) {
            try Self.readLines { line throws(OutputError) in
                if let line { try session.answer(line) } else { try session.refuseLong() }
            }
        } catch {
            throw error.exitCode
        }
    }

    /// Calls `body` with each line of standard input; `nil` stands for one that is too long.
    private static func readLines(_ body: ([UInt8]?) throws(OutputError) -> Void) throws(OutputError) {
        var buffer: [UInt8] = []
        var isLong = false
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            for part in chunk[..<count].split(
                separator: UInt8(ascii: "\n"), maxSplits: .max, omittingEmptySubsequences: false
            ).enumerated() {
                if part.offset > 0 {
                    try body(isLong ? nil : buffer)
                    buffer = []
                    isLong = false
                }
                if !isLong { buffer += part.element }
                if buffer.count > MCPSession.lineLimit {
                    buffer = []
                    isLong = true
                }
            }
        }
        if isLong || !buffer.isEmpty { try body(isLong ? nil : buffer) }
    }
}
