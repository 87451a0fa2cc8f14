// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import Glibc
internal import YAML
internal import Yams

/// The servers of the fleet's store and how they are reached, as a small YAML file has it.
///
/// A password stands in a file of its own, so that the settings can be read by everybody.
package struct StoreSettings: Sendable, Equatable {
    /// The file that is read where none is named.
    package static let standardPath = "/etc/rstwho/store.yaml"
    /// The environment variable that names another.
    package static let variable = "RSTWHO_STORE"

    /// The shards, each with the base URLs of its replicas.
    ///
    /// A question goes to one replica of every shard, a batch to any server.
    package var shards: [[String]] = []
    package var database = "rstwho"
    package var user: String?
    package var passwordFile: String?
    package var caFile: String?
    package var certificateFile: String?
    package var keyFile: String?
    /// The longest time that a server may take for one request, seconds.
    package var deadline = 10

    package init() {}

    /// All servers, those of the first shard first.
    package var servers: [String] { shards.flatMap { $0 } }

    /// A setting that cannot be used.
    package struct Problem: Error, Sendable, Equatable {
        package var text: String
        /// True where the file is not there.
        package var isMissing = false
    }

    private static let maximumPassword = 4096

    /// Reads the file; relative names in it are in `$CREDENTIALS_DIRECTORY` if that has them, else beside the file.
    package static func read(_ path: String) throws(Problem) -> StoreSettings {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            let isMissing = access(path, F_OK) != 0
            throw Problem(
                text: isMissing
                    ? "\(path) does not exist. It names the servers of the store: see docs/fleet.md"
                    : "\(path) cannot be read by this account", isMissing: isMissing)
        }
        let root: Node?
        do throws(YAMLProblem) {
            root = try YAMLDocument.root(of: bytes)
        } catch {
            throw Problem(text: "\(path)\(error.line.map { ":\($0)" } ?? ""): \(error.text)")
        }
        guard let mapping = root?.mapping else {
            throw Problem(text: "\(path): no settings. The least is `servers: [https://clickhouse.example:8443]`")
        }
        var settings = StoreSettings()
        for (key, value) in mapping {
            do throws(Problem) {
                try settings.set(key.string ?? "", value)
            } catch {
                throw Problem(text: "\(path):\(key.mark?.line ?? 1): \(error.text)")
            }
        }
        settings.resolveNames(beside: path)
        try settings.check(path)
        return settings
    }

    private mutating func set(_ key: String, _ value: Node) throws(Problem) {
        func text() throws(Problem) -> String {
            guard let text = value.string, !text.isEmpty else { throw Problem(text: "\(key) takes a text") }
            return text
        }
        switch key {
        case "servers":
            guard let items = value.sequence, !items.isEmpty, items.count <= 1000 else {
                throw Problem(text: "servers takes a list of URLs, one for each shard")
            }
            for item in items {
                let replicas = item.sequence.map { $0.map { $0.string ?? "" } } ?? [item.string ?? ""]
                for url in replicas { try Self.check(url: url) }
                shards.append(replicas.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 })
            }
        case "database":
            database = try text()
            guard database.utf8.allSatisfy(Self.isNameByte), database.utf8.count <= 64 else {
                throw Problem(text: "database takes letters, digits and underscores")
            }
        case "user": user = try text()
        case "password_file": passwordFile = try text()
        case "ca_file": caFile = try text()
        case "certificate_file": certificateFile = try text()
        case "key_file": keyFile = try text()
        case "deadline":
            guard let seconds = Self.seconds(try text()), (1...600).contains(seconds) else {
                throw Problem(text: "deadline takes a time from 1s to 600s")
            }
            deadline = seconds
        default:
            throw Problem(
                text: "no such setting: \(YAMLText.excerpt(key)). There are servers, database, user, password_file, "
                    + "ca_file, certificate_file, key_file and deadline")
        }
    }

    private static func seconds(_ text: String) -> Int? {
        Int(text.hasSuffix("s") ? String(text.dropLast()) : text)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func check(url: String) throws(Problem) {
        guard let parsed = URL(string: url), let scheme = parsed.scheme, ["http", "https"].contains(scheme),
            parsed.host() != nil
        else {
            throw Problem(text: "\(YAMLText.excerpt(url)) is no URL such as https://clickhouse.example:8443")
        }
        guard parsed.user() == nil, parsed.password() == nil, parsed.query() == nil else {
            throw Problem(text: "a URL has no user, password or query: those go into user and password_file")
        }
    }

    private mutating func resolveNames(beside path: String) {
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        let credentials = getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) + "/" }
        func resolve(_ name: String?) -> String? {
            guard let name, !name.hasPrefix("/") else { return name }
            if let credentials, access(credentials + name, F_OK) == 0 { return credentials + name }
            return directory + name
        }
        passwordFile = resolve(passwordFile)
        caFile = resolve(caFile)
        certificateFile = resolve(certificateFile)
        keyFile = resolve(keyFile)
    }

    private func check(_ path: String) throws(Problem) {
        guard !shards.isEmpty else {
            throw Problem(text: "\(path): servers is missing: `servers: [https://clickhouse.example:8443]`")
        }
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw Problem(text: "\(path): certificate_file and key_file belong together")
        }
        guard passwordFile == nil || user != nil else {
            throw Problem(text: "\(path): password_file needs user")
        }
    }

    /// The password, without the line feed at its end; `nil` where there is no file.
    ///
    /// Read at each start and never kept in the settings.
    package func password() throws(Problem) -> String? {
        guard let passwordFile else { return nil }
        guard let bytes = FileManager.default.contents(atPath: passwordFile) else {
            throw Problem(text: "\(passwordFile) (password_file) cannot be read by this account")
        }
        guard bytes.count <= Self.maximumPassword, var text = String(validating: bytes, as: UTF8.self) else {
            throw Problem(text: "\(passwordFile) (password_file) holds no password of at most 4096 bytes of UTF-8")
        }
        while text.last == "\n" || text.last == "\r\n" { text.removeLast() }
        guard !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw Problem(text: "\(passwordFile) (password_file) is empty or has more than one line")
        }
        return text
    }

    /// True where a password would travel unencrypted over a network.
    package var exposesPassword: Bool {
        passwordFile != nil
            && servers.contains { server in
                guard let url = URL(string: server), url.scheme == "http", let host = url.host() else { return false }
                return !(host == "localhost" || host == "::1" || host.hasPrefix("127."))
            }
    }
}
