// SPDX-License-Identifier: Apache-2.0
import Capture
import Glibc

/// The captures that a command line names, in the order in which they were made.
enum CaptureSet {
    /// The files of `names`, in the order of their first packets.
    ///
    /// Patterns that name no file themselves are replaced by the files that match. Ring files (tcpdump -C, -G, -W)
    /// begin anywhere in the order of their names. Captures without times stay where they are.
    static func files(_ names: [String]) -> [String] {
        let files = names.flatMap(matches)
        guard files.count > 1 else { return files }
        let times = files.map(firstTime)
        // Without a time, or where one cannot be read, the order is the user's to know.
        guard times.allSatisfy({ $0 != nil }) else { return files }
        let order = files.indices.sorted { (times[$0] ?? 0, $0) < (times[$1] ?? 0, $1) }
        return order.map { files[$0] }
    }

    /// The files that match a pattern, or the name itself.
    private static func matches(_ name: String) -> [String] {
        guard name.contains(where: { "*?[".contains($0) }), access(name, F_OK) != 0 else { return [name] }
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(name, 0, nil, &found) == 0, let paths = found.gl_pathv else { return [name] }
        let files = (0..<Int(found.gl_pathc)).compactMap { index in paths[index].map { String(cString: $0) } }
        return files.isEmpty ? [name] : files
    }

    private struct Stop: Error {}

    /// The time of a capture's first packet, ns since 1970; `nil` where there is none, or it is no file.
    private static func firstTime(_ file: String) -> UInt64? {
        var status = stat()
        // A pipe gives its bytes once.
        guard file != "-", stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var time: UInt64?
        do {
            var capture = try CaptureFile.open(.path(file), follows: false)
            guard capture.format != .text else { return nil }
            try capture.read { batch in
                time = batch.firstTime
                throw Stop()
            }
        } catch {
            // What is wrong with it is said when it is read.
        }
        return time == 0 ? nil : time
    }
}
