// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Capture
import Diagnosis
internal import Explanation
import Glibc
import Reporting

/// `rstwho explain`: everything known about an address, a connection or a finding.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explain everything known about an address, a connection or a finding.",
        discussion: """
            WHAT is an address, the id of a finding, or a connection as a tool prints it, with the surrounding text: \
            "a:p > b:q", a.p > b.q, [v6]:p, src= dst= sport= dport=, a line of ss, netstat, conntrack, tcpdump or a \
            log. Quote it; - reads it from standard input. The first line is the answer. The next step, the events, the \
            path, the evidence for and against, ways to confirm it and a message for the operator follow. Queries the \
            running agent, or its history if none runs; --from reads captures instead.

            Exit status: 0 no problem is known, 1 a reset that its host did not send or a path problem is, 64 usage, \
            65 bad input, 66 no such file or no packets of it, 69 no agent and no history, 74 read or write error.
            """)

    @Argument(help: ArgumentHelp("An address, a connection, or the id of a finding.", valueName: "what"))
    var words: [String]

    @Option(
        name: .customLong("pcap"),
        help: ArgumentHelp(
            "Write the packets behind the answer as a capture file for Wireshark.", valueName: "file"),
        completion: .file())
    var captureFile: String?

    @OptionGroup var source: SourceOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var tables: TableOptions

    func validate() throws {
        try tables.validate(for: source)
        try OutputOptions.refusePackets(output.addresses, "--pcap", isGiven: captureFile != nil)
    }

    func run() throws {
        let asked = words == ["-"] ? Self.standardInput() : words.joined(separator: " ")
        let privacy = output.privacy
        var standard = StandardOutput()
        // A line of a session log answers for itself, whether or not anything else is known of the connection.
        let log = output.format == .text ? SessionLog(asked) : nil
        if let log {
            do throws(OutputError) {
                try standard.write(log.text)
                try standard.flush()
            } catch {
                throw error.exitCode
            }
        }
        let (explanation, packets, status) =
            try source.files.isEmpty ? ask(Self.question(asked)) : read(asked, privacy)
        var style = standard.style
        style.privacy = privacy
        do throws(OutputError) {
            switch output.format {
            case .text where log != nil && explanation.knowledge.findings.isEmpty: break
            case .text: try standard.write(explanation.text(style: style))
            case .json: try standard.write(privacy.apply(to: explanation.line))
            }
            try standard.flush()
        } catch {
            throw error.exitCode
        }
        if let captureFile { try EvidenceOptions.write(packets, to: captureFile) }
        let isProblem = explanation.knowledge.findings.contains(where: \.isProblem)
        throw (isProblem ? ExitStatus.worst(status, .found) : status).exitCode
    }

    private static func question(_ text: String) throws -> Question {
        do throws(Question.Problem) {
            return try Question(parsing: text)
        } catch {
            printMessage(error.text)
            throw ExitStatus.usage.exitCode
        }
    }

    /// As much as is looked at, and one byte more.
    private static func standardInput() -> String {
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while text.count <= Question.maximumText {
            let count = Glibc.read(STDIN_FILENO, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            text += piece[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func ask(_ question: Question) throws -> (Explanation, [UInt8]?, ExitStatus) {
        let subject = "explanations"
        let path = "/api/v1/explain?what=\(URLText.escaped(question.text))"
        let body: [UInt8]
        switch try source.ask(path, knows: subject) {
        case .agent(let answer): body = answer
        case .history(let history): return try remembered(question, history)
        }
        guard let knowledge = Knowledge(decoding: body) else { throw source.refuse(subject, status: 200) }
        let explanation = Explanation(question, knowledge)
        let lead = captureFile == nil ? nil : explanation.lead
        return (explanation, try lead.flatMap { try source.evidence(of: $0) }, .ok)
    }

    private func remembered(
        _ question: Question, _ history: HistoryReader
    ) throws -> (Explanation, [UInt8]?, ExitStatus) {
        var knowledge: Knowledge
        do throws(HistoryFault) {
            knowledge = try history.knowledge(of: question)
        } catch {
            throw SourceOptions.exit(for: error)
        }
        let names = try tables.devices.names()
        (knowledge.hosts, knowledge.paths) = (names.named(knowledge.hosts), names.named(knowledge.paths))
        let explanation = Explanation(question, knowledge)
        let directory = EvidenceLocation.standard(below: source.state ?? StateDirectory.standard)
        let packets = explanation.lead.flatMap {
            BoundedFile.read("\(directory)/" + $0.id + EvidenceFile.suffix, limit: EvidenceDirectory.sizeLimit)
        }
        return (explanation, packets, .ok)
    }

    private func read(
        _ text: String, _ privacy: AddressPrivacy
    ) throws -> (Explanation, [UInt8]?, ExitStatus) {
        // A question without an address may hold a name that stands in the text.
        let isAddressed = (try? Question(parsing: text)) != nil
        let session = try ReadSession.reading(source.files, tables, privacy)
        guard session.hasRead else { throw session.status.exitCode }
        let question = try Self.question(
            isAddressed ? text : Question.naming(text, by: session.addressNames))
        var knowledge = Knowledge()
        let store = session.kept
        if case .finding(let id) = question { knowledge.findings = [store?[id]].compactMap { $0 } }
        let widened = Knowledge.widened(question, by: knowledge.findings.first)
        knowledge.findings =
            store?.newest(limit: Knowledge.bound) { Knowledge.isWanted($0, for: widened) }.findings ?? []
        knowledge.take(hosts: session.hosts, origins: session.origins, paths: session.paths, for: widened)
        let explanation = Explanation(question, knowledge)
        let packets = captureFile == nil ? nil : explanation.lead.flatMap { session.evidenceFile(of: $0) }
        // What was found beside it is not what was asked for.
        return (explanation, packets, session.status == .found ? .ok : session.status)
    }
}
