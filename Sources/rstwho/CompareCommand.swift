// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Capture
import Diagnosis
import Glibc
import Reporting

/// `rstwho compare`: captures of the same traffic at several points.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Find packets that vanish or appear between several captures of the same traffic.",
        discussion: """
            Each capture is a pcap or pcapng file (also .gz and .zst) or the text of `tcpdump -v`. NAME=FILE names the \
            point: rstwho compare client=pc1.pcap r2=mirror.pcap server=pc2.pcap

            The TTL gives the order of the points along the path. Packets are matched by sequence numbers, also across \
            address translation, sequence number translation, offloading and wrong clocks.

            Exit status: 0 nothing is dropped or forged, 1 something is, 64 usage, 65 bad input (not a capture, a single \
            capture, captures without common traffic; the others are compared), 66 no such file, 74 read error.
            """)

    @Argument(help: "Captures, as FILE or NAME=FILE; - for standard input.")
    var captures: [String]

    @Option(help: "Maximum number of packets in all captures together; about 100 bytes of memory each.")
    var maxPackets = 20_000_000

    @OptionGroup var output: OutputOptions
    @OptionGroup var devices: DeviceOptions

    func validate() throws {
        guard captures.count <= Comparison.capacity else {
            throw ValidationError("compare takes up to \(Comparison.capacity) captures.")
        }
        guard (1000...1 << 29).contains(maxPackets) else {
            throw ValidationError("--max-packets takes a number from 1000 to \(1 << 29).")
        }
    }

    func run() throws {
        var session = CompareSession(
            PointName.all(captures), capacity: maxPackets / max(1, captures.count), devices: try devices.names())
        guard captures.count > 1 else {
            session.check()
            printMessage(
                "\(captures[0]): one capture alone cannot be compared. Name a second one, taken at another point at the same "
                    + "time; rstwho read looks into one")
            throw ExitStatus.worst(session.status, .badInput).exitCode
        }
        guard let comparison = session.compare() else { throw session.status.exitCode }
        var standard = StandardOutput()
        let privacy = output.privacy
        do throws(OutputError) {
            switch output.format {
            case .json: try standard.write(privacy.apply(to: ComparisonReport.lines(comparison)))
            case .text:
                let report = ComparisonReport(
                    comparison, isColoured: standard.isColoured, drawing: standard.style.drawing)
                try standard.write(privacy.apply(to: report.text))
            }
            try standard.flush()
        } catch {
            if error.errno != EPIPE {
                printMessage("standard output: \(String(cString: strerror(error.errno)))")
                throw ExitStatus.ioError.exitCode
            }
        }
        throw session.status.exitCode
    }
}

/// A capture and what its point is called.
struct PointName {
    var name: String
    var file: String

    /// `NAME=FILE` is named; a file alone is called by its own name, without its directory and what its kind is called.
    static func all(_ arguments: [String]) -> [PointName] {
        var points = arguments.map { argument in
            if let equals = argument.firstIndex(of: "="), equals != argument.startIndex,
                !argument[..<equals].contains("/"), access(argument, F_OK) != 0
            {
                return PointName(
                    name: String(argument[..<equals]), file: String(argument[argument.index(after: equals)...]))
            }
            return PointName(name: shortName(argument), file: argument)
        }
        for (index, point) in points.enumerated() where points[..<index].contains(where: { $0.name == point.name }) {
            points[index].name = "\(point.name)#\(index + 1)"
        }
        return points
    }

    private static func shortName(_ file: String) -> String {
        var name = file.split(separator: "/").last.map(String.init) ?? file
        for kind in [".gz", ".zst", ".pcap", ".pcapng", ".cap", ".dmp", ".txt"]
        where name.hasSuffix(kind) && name.count > kind.count {
            name.removeLast(kind.count)
        }
        return name == "-" ? "standard input" : name
    }
}
