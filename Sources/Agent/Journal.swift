// SPDX-License-Identifier: Apache-2.0
internal import Capture
internal import Glibc
package import Logging

/// Messages as systemd's journal takes them: lines with a priority, or entries with fields of their own.
package enum Journal {
    /// The socket of the journal (systemd's "Native Journal Protocol").
    static let socketPath = "/run/systemd/journal/socket"

    /// True where standard error is a stream of the journal, which JOURNAL_STREAM names by device and inode
    /// (systemd.exec(5)).
    package static let isThere: Bool = {
        guard let stream = getenv("JOURNAL_STREAM"), let standardError else { return false }
        return String(cString: stream) == "\(standardError.device):\(standardError.inode)"
    }()

    /// True where entries can be sent: standard error is the journal's own socket.
    private static let takesEntries: Bool = isThere && standardError?.isSocket == true

    private static let standardError = FileStatus(of: STDERR_FILENO)

    /// A message's lines, each with its line feed.
    ///
    /// The journal reads a priority off each (sd-daemon(3)); it knows the program's name.
    package static func lines(_ text: String, level: Logger.Level, forJournal: Bool = isThere) -> [String] {
        guard forJournal else { return ["rstwho: \(text)\n"] }
        return text.split(whereSeparator: \.isNewline).map { "<\(priority(level))>\($0)\n" }
    }

    /// Sends an entry with its fields.
    ///
    /// - `fields`: by name without our prefix: `interface` becomes RSTWHO_INTERFACE.
    ///
    /// Returns false where there is no journal that takes it: `lines` are for that.
    package static func send(_ text: String, level: Logger.Level, fields: [String: String]) -> Bool {
        guard takesEntries else { return false }
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8) }
        let bytes = entry(text, level: level, fields: fields)
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(
                    socket, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), address,
                    socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return sent == bytes.count
    }

    /// An entry: a field a line; one whose value has line feeds has its length in eight bytes, little-endian, before
    /// it.
    package static func entry(_ text: String, level: Logger.Level, fields: [String: String]) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ name: String, _ value: String) {
            bytes += name.utf8
            if value.utf8.contains(UInt8(ascii: "\n")) {
                bytes.append(UInt8(ascii: "\n"))
                withUnsafeBytes(of: UInt64(value.utf8.count).littleEndian) { bytes += $0 }
            } else {
                bytes.append(UInt8(ascii: "="))
            }
            bytes += value.utf8
            bytes.append(UInt8(ascii: "\n"))
        }
        add("MESSAGE", text)
        add("PRIORITY", String(priority(level)))
        add("SYSLOG_IDENTIFIER", "rstwho")
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            add("RSTWHO_\(self.name(name))", value)
        }
        return bytes
    }

    /// Capitals, digits and underscores are what the journal takes in a name, and 64 bytes.
    private static func name(_ text: String) -> String {
        String(
            decoding: text.uppercased().utf8.prefix(56).map { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
                default: UInt8(ascii: "_")
                }
            }, as: UTF8.self)
    }

    /// The priorities of syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
