// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Packets
import Reporting

/// `rstwho paths`: the ways that connections take here.
struct PathsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "paths",
        abstract: "List the paths between clients and servers, and whether both directions use the same.",
        discussion: """
            For each client network and each server: interface and MAC addresses of both directions, connections opened and \
            established, retransmissions, the shortest round trip. Asymmetric routing is no problem by itself: rstwho \
            read and watch report the connections that fail because of it. Queries the running agent, which counts from \
            its start, or its history if none runs (or with --state); --from reads captures instead.

            Exit status: 0, 64 usage, 65 bad input, 66 no such file, 69 no agent and no history, 74 read error.
            """)

    @OptionGroup var selection: SelectionOptions
    @OptionGroup var listing: ListingOptions

    func run() throws {
        let list = Listing<PathSummary>(
            name: "paths",
            path: { _, _ in "/api/v1/paths?limit=\(FindingQuery.limits.upperBound)" },
            stored: { history, _ throws(HistoryFault) in try history.paths() }, decode: PathReport.decode,
            text: PathReport.text, line: PathReport.line, csv: PathReport.csv,
            named: { $0.named($1) })
        let (_, read) = try listing.list(list, span: selection.span, items: { $0.paths }) { path, times in
            includes(path) && times.since.map { path.lastSeen >= $0 } ?? true
                && times.until.map { path.firstSeen <= $0 } ?? true
        }
        // What was found is not what was asked for.
        throw (read == .found ? .ok : read).exitCode
    }

    /// The server, or an address of the clients' network.
    private func includes(_ path: PathSummary) -> Bool {
        let clients = InsidePrefixes.Prefix("\(path.network)/\(path.length)")
        if let address = selection.address, path.server != address, clients?.contains(address) != true { return false }
        guard let prefix = selection.prefix else { return true }
        return prefix.contains(path.server) || prefix.contains(path.network)
    }
}
