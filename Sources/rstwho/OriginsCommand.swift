// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Reporting

/// `rstwho origins`: the devices that send resets for others.
struct OriginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "origins",
        abstract: "List the devices that send resets in other hosts' names.",
        discussion: """
            Resets of many hosts that have their distance, numbering and next hop in common come from one device. Asks the \
            running agent, or reads captures with --from.

            Exit status: 0 no such device, 1 at least one, 64 usage, 65 bad input, 66 no such file, 69 no agent, \
            74 read error.
            """)

    @OptionGroup var listing: ListingOptions

    func run() throws {
        var standard = StandardOutput()
        let (origins, read) = try listing.list(
            at: "/api/v1/origins", name: "origins", decode: OriginReport.decode, items: { $0.origins })
        switch listing.output.format {
        case .text: try standard.write(OriginReport.text(origins))
        case .json: for origin in origins { try standard.write(OriginReport.line(origin)) }
        }
        try standard.flush()
        let status = origins.isEmpty ? read : .worst(read, .found)
        throw status.exitCode
    }
}
