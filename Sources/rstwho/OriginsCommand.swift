// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Reporting

/// `rstwho origins`: the devices that send resets for others.
struct OriginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "origins",
        abstract: "List the devices that send resets in other hosts' names.",
        discussion: """
            Resets in the names of many hosts with the same distance, IP-ID numbering and next hop come from one device. An \
            address selects the device itself, or devices that answer in a host's name. Queries the running agent, or \
            its history if none runs; --from reads captures instead.

            Exit status: 0 no such device, 1 at least one, 64 usage, 65 bad input, 66 no such file, 69 no agent and no \
            history, 74 read error.
            """)

    @OptionGroup var selection: SelectionOptions
    @OptionGroup var verdict: VerdictOptions
    @OptionGroup var listing: ListingOptions

    func run() throws {
        let list = Listing<Origin>(
            name: "origins",
            path: { _, _ in "/api/v1/origins?limit=\(FindingQuery.limits.upperBound)" },
            stored: { history, _ throws(HistoryFault) in try history.origins() }, decode: OriginReport.decode,
            text: OriginReport.text, line: OriginReport.line, csv: OriginReport.csv,
            named: { $0.named($1) })
        let (origins, read) = try listing.list(list, span: selection.span, items: { $0.origins }) { origin, times in
            selection.includes(origin.hosts.union(origin.address.map { [$0] } ?? [])) && includes(origin)
                && times.since.map { origin.lastSeen ?? 0 >= $0 } ?? true
                && times.until.map { origin.firstSeen ?? 0 <= $0 } ?? true
        }
        // What was found beside them is not what was asked for.
        let status: ExitStatus = read == .found ? .ok : read
        throw (origins.isEmpty ? status : .worst(status, .found)).exitCode
    }

    private func includes(_ origin: Origin) -> Bool {
        let sender: Finding.Sender = origin.isThisMachine ? .thisMachine : .middlebox
        return verdict.port.map { origin.ports.contains($0) } ?? true
            && verdict.sender.map { $0 == sender } ?? true
            && verdict.cause.map { origin.causes.contains($0) } ?? true
    }
}
