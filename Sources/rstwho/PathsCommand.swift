// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Reporting

/// `rstwho paths`: the ways that connections take here.
struct PathsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "paths",
        abstract: "List the ways between clients and servers, and whether both directions take the same.",
        discussion: """
            For each network of clients and each server: where the two directions come past (interface and MAC addresses), \
            connections opened and taken, packets sent again, the shortest round trip. Two ways are no fault by themselves: \
            rstwho read and watch say where they make connections fail. Asks the running agent, or reads captures with --from.

            Exit status: 0, 64 usage, 65 bad input, 66 no such file, 69 no agent, 74 read error.
            """)

    @OptionGroup var listing: ListingOptions

    func run() throws {
        var standard = StandardOutput()
        let (paths, read) = try listing.list(
            at: "/api/v1/paths?limit=1000", name: "paths", decode: PathReport.decode, items: { $0.paths })
        switch listing.output.format {
        case .text: try standard.write(PathReport.text(paths))
        case .json: for path in paths { try standard.write(PathReport.line(path)) }
        }
        try standard.flush()
        // What was found is not what was asked for.
        throw (read == .found ? .nothingForeign : read).exitCode
    }
}
