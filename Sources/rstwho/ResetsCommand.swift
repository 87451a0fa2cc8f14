// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
internal import Explanation
import Reporting

/// `rstwho resets`: the resets that were seen, and who sent them.
struct ResetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resets",
        abstract: "List resets and their senders.",
        discussion: """
            The newest comes first; rstwho explain ID explains one. Queries the running agent, or its history if none \
            runs; --from reads captures instead.

            Exit status: 0 every listed reset is its host's own or undetermined, 1 at least one is not, 64 usage, 65 bad input, \
            66 no such file, 69 no agent and no history, 74 read error.
            """)

    @OptionGroup var selection: SelectionOptions
    @OptionGroup var verdict: VerdictOptions

    @Option(
        help: ArgumentHelp("Only resets of this device, as rstwho origins lists it: o-1.", valueName: "device"),
        transform: { text in
            guard Question.isDevice(text) else {
                throw ValidationError("Give a device as rstwho origins lists it, such as o-1.")
            }
            return text
        })
    var origin: String?

    @OptionGroup var listing: ListingOptions

    func run() throws {
        let list = Listing<Finding>(
            name: "resets",
            path: { times, before in
                var query = query(times)
                query.limit = min(listing.limit + 1, FindingQuery.limits.upperBound)
                query.beforeID = before
                return "/api/v1/resets?\(query.parameters)"
            },
            stored: { history, times throws(HistoryFault) in
                var query = query(times)
                query.limit = listing.limit + 1
                return try history.findings(query).findings.compactMap(\.finding)
            },
            decode: JSONLines.decodeList, text: ResetReport.text, line: JSONLines.line, csv: ResetReport.csv,
            // Their sentences have the names of their time.
            named: { $1 })
        let (resets, read) = try listing.list(
            list, span: selection.span,
            items: { session in session.kept?.newest(limit: .max) { _ in true }.findings ?? [] },
            isWanted: { query($1).matches($0) })
        // What was found beside them is not what was asked for.
        let status: ExitStatus = read == .found ? .ok : read
        throw (resets.contains(where: \.isProblem) ? .worst(status, .found) : status).exitCode
    }

    private func query(_ times: Listing<Finding>.Times) -> FindingQuery {
        var query = FindingQuery()
        query.kind = .reset
        // The API's is the time before.
        query.sinceTime = times.since.map { $0 > 0 ? $0 - 1 : 0 }
        query.untilTime = times.until
        query.address = selection.address
        query.prefix = selection.prefix
        query.port = verdict.port
        query.sender = verdict.sender
        query.cause = verdict.cause?.rawValue
        query.origin = origin
        return query
    }
}
