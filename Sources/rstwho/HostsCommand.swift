// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Reporting

/// `rstwho hosts`: what is known of hosts.
struct HostsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hosts",
        abstract: "List the known hosts and their distances.",
        discussion: """
            A host's distance follows from packets that only the host itself can have sent: echo replies, answers on a \
            connection. The host seen last comes first. Queries the running agent, or its history if none runs; --from \
            reads captures instead.

            Exit status: 0, 64 usage, 65 bad input, 66 no such file, 69 no agent and no history, 74 read error.
            """)

    @OptionGroup var selection: SelectionOptions
    @OptionGroup var listing: ListingOptions

    func run() throws {
        let list = Listing<HostSummary>(
            name: "hosts",
            path: { _, before in
                // What an agent that does not know the parameter would refuse is chosen here.
                let address = selection.address.map { "&address=\($0)" } ?? ""
                return "/api/v1/hosts?limit=\(FindingQuery.limits.upperBound)\(address)"
                    + (before.map { "&before=\(URLText.escaped($0))" } ?? "")
            },
            stored: { history, _ throws(HistoryFault) in try history.hosts() }, decode: HostReport.decode,
            text: HostReport.text, line: HostReport.line, csv: HostReport.csv,
            named: { $0.named($1) })
        let (_, read) = try listing.list(list, span: selection.span, items: { $0.hosts }) { host, times in
            selection.includes([host.address]) && times.since.map { host.lastSeen >= $0 } ?? true
                && times.until.map { host.firstSeen <= $0 } ?? true
        }
        // What was found is not what was asked for.
        throw (read == .found ? .ok : read).exitCode
    }
}
