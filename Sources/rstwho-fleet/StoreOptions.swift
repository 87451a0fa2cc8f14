// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import FleetStore
import Glibc
import Reporting

/// The file with the store's settings, and the messages and exit statuses that the commands have in common.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "File with the store's servers and account (default: $\(StoreSettings.variable), or "
                + "\(StoreSettings.standardPath)).", valueName: "file"),
        completion: .file())
    var store: String?

    /// The settings.
    ///
    /// - Throws: an exit code, after a message.
    func settings() throws -> StoreSettings {
        let variable = getenv(StoreSettings.variable).map { String(cString: $0) }
        do throws(StoreSettings.Problem) {
            return try StoreSettings.read(store ?? variable ?? StoreSettings.standardPath)
        } catch {
            Message.tell(error.text, .error)
            throw Status.configuration.code
        }
    }

    func client(_ settings: StoreSettings) throws -> StoreClient {
        do throws(StoreSettings.Problem) {
            if settings.exposesPassword {
                Message.tell("the password travels unencrypted: use https:// for servers on other machines", .warning)
            }
            return try StoreClient(settings, agent: "rstwho-fleet")
        } catch {
            Message.tell(error.text, .error)
            throw Status.configuration.code
        }
    }
}

/// The exit statuses; from 64 on the numbers of sysexits.h, as `rstwho` has them.
enum Status: Int32 {
    case ok = 0
    case found = 1
    case unavailable = 69
    case ioError = 74
    case temporary = 75
    case configuration = 78

    var code: ExitCode { ExitCode(rawValue) }

    init(_ error: StoreError) {
        self = error.kind == .configuration ? .configuration : .unavailable
    }
}

/// Lines on standard error, with the priority that the journal understands where it is there.
enum Message {
    enum Priority: Int {
        case error = 3
        case warning = 4
        case info = 6
    }

    static func tell(_ text: String, _ priority: Priority = .info) {
        let start = getenv("JOURNAL_STREAM") == nil ? "rstwho-fleet: " : "<\(priority.rawValue)>"
        // A server's words are in it.
        let line = Array((start + UntrustedText.printable(text.replacing("\n", with: " ")) + "\n").utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
