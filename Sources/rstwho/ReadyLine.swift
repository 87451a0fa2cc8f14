// SPDX-License-Identifier: Apache-2.0
import Agent
import Capture
import Logging
import Synchronization

/// Says on standard error, once and when it is true, that packets are seen and requests are answered.
///
/// Scripts wait for it.
final class ReadyLine: Sendable {
    private struct State {
        var captureRuns = false
        var waitsForServer: Bool
        var address: HTTPAddress?
        var isSaid = false
    }

    private let attachments: [AttachmentInfo]
    private let manager: ServiceManager?
    private let state: Mutex<State>
    private let before: @Sendable () -> Bool

    /// - `manager`: is told as well.
    /// - `before`: called once, just before it is said; it is not said where this returns false.
    init(
        attachments: [AttachmentInfo], waitsForServer: Bool, manager: ServiceManager? = nil,
        before: @escaping @Sendable () -> Bool
    ) {
        self.attachments = attachments
        self.manager = manager
        self.before = before
        state = Mutex(State(waitsForServer: waitsForServer))
    }

    /// True once it has been said.
    var isSaid: Bool { state.withLock { $0.isSaid } }

    func captureRuns() {
        say { $0.captureRuns = true }
    }

    func serverListens(at address: HTTPAddress) {
        if !address.isLocal {
            printMessage("\(address) can be reached from elsewhere: whoever does reads who talks to whom")
        }
        say { state in
            state.waitsForServer = false
            state.address = address
        }
    }

    private func say(_ change: (inout State) -> Void) {
        let address: HTTPAddress?? = state.withLock { state in
            change(&state)
            guard state.captureRuns, !state.waitsForServer, !state.isSaid else { return nil }
            state.isSaid = true
            return .some(state.address)
        }
        guard let address else { return }
        guard before() else { return }
        for attachment in attachments {
            printMessage(
                "\(attachment.interface): \(attachment.reason)", level: .info,
                fields: ["interface": attachment.interface, "hook": attachment.ingress.rawValue])
        }
        let names = attachments.isEmpty ? "nothing yet" : attachments.map(\.interface).joined(separator: ", ")
        let served =
            switch address {
            case .unixSocket(let path): "; metrics and API on the socket \(path)"
            case .some(let address): "; metrics on http://\(address)/metrics"
            case nil: ""
            }
        printMessage("ready: watching \(names)\(served)", level: .notice)
        manager?.ready(status: "watching \(names)\(served)")
    }
}
