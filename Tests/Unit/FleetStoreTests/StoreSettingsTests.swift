// SPDX-License-Identifier: Apache-2.0
import FleetStore
import Foundation
import Testing

/// The file with the store's settings.
struct StoreSettingsTests {
    private func read(_ text: String, password: String? = nil) throws -> (settings: StoreSettings, password: String?) {
        let path = NSTemporaryDirectory() + "/store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(text.utf8).write(to: URL(filePath: path + "/store.yaml"))
        if let password { try Data(password.utf8).write(to: URL(filePath: path + "/password")) }
        let settings = try StoreSettings.read(path + "/store.yaml")
        return (settings, try settings.password())
    }

    @Test func shardsMayHaveReplicas() throws {
        let settings = try read(
            """
            servers:
              - https://ch1.example:8443/
              - [https://ch2a.example:8443, https://ch2b.example:8443]
            database: net
            deadline: 20s
            """
        ).settings
        #expect(
            settings.shards == [
                ["https://ch1.example:8443"], ["https://ch2a.example:8443", "https://ch2b.example:8443"],
            ])
        #expect(settings.database == "net")
        #expect(settings.deadline == 20)
    }

    @Test func aPasswordLosesItsLineFeed() throws {
        let read = try read(
            "servers: [http://127.0.0.1:8123]\nuser: agent\npassword_file: password\n", password: "secret\n")
        #expect(read.password == "secret")
        #expect(!read.settings.exposesPassword)
    }

    @Test func aPasswordIsNotSentOpenlyUnnoticed() throws {
        let read = try read(
            "servers: [http://ch.example:8123]\nuser: agent\npassword_file: password\n", password: "secret")
        #expect(read.settings.exposesPassword)
    }

    @Test(arguments: [
        ("servers: [https://user:hunter2@ch.example]", "a URL has no user"),
        ("servers: [ftp://ch.example]", "is no URL"),
        ("servers: []", "servers takes a list"),
        ("database: rstwho", "servers is missing"),
        ("servers: [http://a]|password: secret", "no such setting"),
        ("servers: [http://a]|password_file: p", "password_file needs user"),
        ("servers: [http://a]|certificate_file: c", "belong together"),
        ("servers: [http://a]|database: 'x; DROP'", "letters, digits"),
        ("servers: [http://a]|deadline: 1h", "from 1s to 600s"),
    ]) func whatCannotBeUsedIsRefused(_ text: String, _ says: String) throws {
        let error = #expect(throws: StoreSettings.Problem.self) {
            try read(text.replacing("|", with: "\n"))
        }
        #expect(error?.text.contains(says) == true, "\(error?.text ?? "")")
    }

    @Test func aSecretIsNotRepeatedInAMessage() throws {
        let error = #expect(throws: StoreSettings.Problem.self) {
            try read("servers: [https://user:hunter2@ch.example]")
        }
        #expect(error?.text.contains("hunter2") == false)
    }
}
