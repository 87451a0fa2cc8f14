// SPDX-License-Identifier: Apache-2.0
import Agent
import Annotation
import ArgumentParser
import Capture
import Glibc
import Logging

/// `rstwho annotate`: a capture with the verdicts as comments of its packets.
struct AnnotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "annotate",
        abstract: "Write a capture with the verdicts as packet comments.",
        discussion: """
            Copies IN (pcap or pcapng, also .gz and .zst; - is standard input) to OUT as pcapng: every packet with its \
            bytes, time and interface, of pcapng every block and option. Each reset gets a comment: the sender, its hop, \
            the cause and the certainty on the first line, the evidence and the next step below. In Wireshark, add a \
            column with the field frame.comment: tshark -r OUT -T fields -e frame.number -e frame.comment. Names from \
            --devices become a name resolution block.

            A file is read twice. Standard input or a pipe is passed on as it comes, each packet after --settle seconds; \
            a verdict that takes longer goes on the next packet of its flow or host, and says so. OUT appears when it is \
            complete; it contains the packets as they are, payload included.

            Exit status: 0 no problem, 1 a reset that its host did not send or a path problem was found, 64 usage, \
            65 bad input (everything before the damage is written), 66 no such file, 74 read or write error.
            """)

    @Argument(help: "The capture, or - for standard input.", completion: .file())
    var input: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The capture to write, or - for standard output.", valueName: "out"))
    var output: String

    @OptionGroup var tables: TableOptions

    func validate() throws {
        guard output != "-" || isatty(STDOUT_FILENO) == 0 else {
            throw ValidationError("A capture is nothing for a terminal: give -o a file, or send the output to a pipe.")
        }
    }

    func run() throws {
        let annotator = CaptureAnnotator(
            options: try tables.engineOptions(), application: "\(AgentVersion.name) \(AgentVersion.number)")
        do {
            let source = try Self.open(input)
            guard output == "-" || !AnnotationOutput.isSame(output, as: source) else {
                printMessage("\(output): this is the input, which is not overwritten. Name another file")
                throw ExitStatus.usage.exitCode
            }
            signal(SIGPIPE, SIG_IGN)
            let sink =
                try output == "-"
                ? AnnotationOutput(descriptor: STDOUT_FILENO, name: "standard output") : AnnotationOutput(path: output)
            let result = try annotate(annotator, source, to: sink)
            try sink.finish()
            throw report(result).exitCode
        } catch let error as CaptureError {
            printMessage(error.description)
            throw ExitStatus(error).exitCode
        } catch let failure as AnnotationOutput.Failure {
            // Whoever closes the pipe early has seen enough.
            if failure.isClosed { throw ExitStatus.ok.exitCode }
            printMessage(failure.description)
            throw ExitStatus.ioError.exitCode
        }
    }

    private static func open(_ input: String) throws(CaptureError) -> Int32 {
        let descriptor =
            input == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : Glibc.open(input, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CaptureFile.openFailure(input, errno) }
        return descriptor
    }

    private func annotate(
        _ annotator: borrowing CaptureAnnotator, _ source: Int32, to sink: AnnotationOutput
    ) throws -> CaptureAnnotator.Result {
        let name = input == "-" ? "standard input" : input
        var status = stat()
        if fstat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            defer { close(source) }
            return try annotator.annotate(file: source, name: name, to: sink)
        }
        // Ctrl-C ends the capture before the pipe: what it has sent is still written.
        signal(SIGINT) { _ in signal(SIGINT, SIG_DFL) }
        var capture = try CaptureFile.open(.descriptor(source, name: name))
        return try annotator.annotate(stream: &capture, name: name, to: sink)
    }

    private func report(_ result: CaptureAnnotator.Result) -> ExitStatus {
        let place = output == "-" ? "standard output" : output
        let late = result.late > 0 ? ", \(result.late) of them on a later packet" : ""
        printMessage(
            "\(place): \(result.packets) \(result.packets == 1 ? "packet" : "packets"), "
                + "\(result.comments) \(result.comments == 1 ? "verdict" : "verdicts")\(late)", level: .info)
        if result.leftOut > 0 {
            printMessage("\(result.leftOut) verdicts are on no packet: read the capture with rstwho read")
        }
        if result.hurried > 0 {
            printMessage(
                "\(result.hurried) packets were passed on before their verdict: more came in the settle time than is held"
            )
        }
        guard let damage = result.damage else { return result.hasProblem ? .found : .ok }
        printMessage(damage.description)
        return .worst(ExitStatus(damage), result.hasProblem ? .found : .ok)
    }
}
