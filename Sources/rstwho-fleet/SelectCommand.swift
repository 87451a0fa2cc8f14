// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Explanation
import Fleet
import FleetStore
import Glibc
import NIOCore
import Packets

/// `rstwho-fleet select`: the records that a question needs, as lines of JSON on standard output.
///
/// `rstwho fleet` runs it and judges the lines. They can be kept in a file and asked again with `--from`.
struct SelectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "select",
        abstract: "Print the records that a question needs, as `rstwho fleet … --from -` reads them.",
        discussion: """
            The last line is a note about servers that did not answer. Exit status: 0, 64 usage, 69 no server answered, 78 \
            configuration.
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case trace, resets, origins, hosts, changed, agents
    }

    @Argument(help: "The question: trace, resets, origins, hosts, changed or agents.")
    var kind: Kind

    @Argument(help: "The connection of trace, or the prefix of hosts.")
    var subject: String?

    @Option(help: "Beginning of the time that is asked about, ns since 1970.")
    var since: UInt64

    @Option(help: "Its end, ns since 1970.")
    var until: UInt64

    @Option(help: ArgumentHelp("Only records of this realm.", valueName: "name"))
    var realm: String?

    @Option(help: ArgumentHelp("Rows of each answer at most.", valueName: "number"))
    var limit = 2_000_000

    @OptionGroup var options: StoreOptions

    func validate() throws {
        guard since <= until else { throw ValidationError("--since is later than --until.") }
        guard (1...100_000_000).contains(limit) else {
            throw ValidationError("--limit takes a number from 1 to 100000000.")
        }
        _ = try question()
    }

    private func question() throws -> StoreQuestion {
        switch kind {
        case .resets: return .resets
        case .origins: return .origins
        case .changed: return .changed
        case .agents: return .agents
        case .hosts:
            guard let prefix = subject.flatMap({ IPPrefix(prefixOrAddress: $0) }) else {
                throw ValidationError("hosts needs an address or a prefix.")
            }
            return .hosts(prefix)
        case .trace:
            let question: Question
            do throws(Question.Problem) {
                question = try Question(parsing: subject ?? "")
            } catch {
                throw ValidationError(error.text)
            }
            switch question {
            case .flows(let flows): return .trace(flows)
            case .address(let address): return .trace([Question.FlowPattern(.init(address))])
            case .finding: throw ValidationError("trace needs a connection.")
            }
        }
    }

    func run() async throws {
        let client = try options.client(try options.settings())
        let selector = RecordSelector(client) { Self.write($0) }
        await selector.answer(try question(), realm: realm, span: since...until, limit: limit)
        let failure = await selector.totalFailure
        let note = await selector.note
        await client.shutdown()
        if let failure {
            Message.tell(note.missing.joined(separator: "; ") + ". \(StoreDoctor.advice(failure))", .error)
            throw Status(failure).code
        }
        Self.write(ByteBuffer(string: note.line))
    }

    /// Writes all; a reader that has gone away has seen enough.
    private static func write(_ lines: ByteBuffer) {
        var rest = lines
        while rest.readableBytes > 0 {
            let count = rest.withUnsafeReadableBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { Glibc.exit(Status.ioError.rawValue) }
            rest.moveReaderIndex(forwardBy: count)
        }
    }
}
