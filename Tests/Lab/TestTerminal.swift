// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// A terminal of tmux's with a shell in it, on a tmux server of its own that ends with the last reference.
final class TestTerminal {
    private let scratch: Scratch
    private let socket: String

    init(columns: Int, lines: Int) throws {
        scratch = try Scratch()
        socket = scratch.file("tmux").path
        _ = try tmux([
            "-f", "/dev/null", "new-session", "-d", "-x", "\(columns)", "-y", "\(lines)", "env LANG=C.UTF-8 sh",
        ])
        _ = try tmux(["set-option", "-g", "status", "off"])
        try resize(columns: columns, lines: lines)
    }

    deinit {
        _ = try? tmux(["kill-server"])
    }

    /// Types a line.
    func type(_ text: String) throws {
        _ = try tmux(["send-keys", "-l", text])
        try press("Enter")
    }

    /// Presses a key by tmux's name for it.
    func press(_ key: String) throws {
        _ = try tmux(["send-keys", key])
    }

    func resize(columns: Int, lines: Int) throws {
        _ = try tmux(["resize-window", "-x", "\(columns)", "-y", "\(lines)"])
    }

    func lines() throws -> [String] {
        try tmux(["capture-pane", "-p"]).split(separator: "\n").map(String.init)
    }

    /// True while a program has taken the whole screen.
    var isAlternate: Bool {
        get throws { try tmux(["display-message", "-p", "#{alternate_on}"]).hasPrefix("1") }
    }

    /// Waits until the screen is as wanted, and returns it.
    @discardableResult
    func wait(_ isWanted: (String) -> Bool) throws -> String {
        var screen = ""
        let found = try waited(atMost: 15) { () -> String? in
            screen = try tmux(["capture-pane", "-p", "-J"])
            return isWanted(screen) ? screen : nil
        }
        guard let found else { throw LabError("the terminal shows:\n\(screen)") }
        return found
    }

    /// The shell's child of that name.
    func foregroundProcess(named name: String) throws -> pid_t? {
        let shell = try tmux(["display-message", "-p", "#{pane_pid}"]).trimmingCharacters(in: .whitespacesAndNewlines)
        let children = try String(contentsOfFile: "/proc/\(shell)/task/\(shell)/children", encoding: .utf8)
        return try children.split(separator: " ").compactMap { pid_t($0) }.first { child in
            try String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8).hasPrefix(name)
        }
    }

    private func tmux(_ arguments: [String]) throws -> String {
        let child = try ChildProcess(
            ["tmux", "-S", socket] + arguments, standardOutput: scratch.file("out"), standardError: scratch.file("err"))
        guard try child.wait(timeout: 10) == 0 else {
            throw LabError("tmux: \(String(decoding: try Data(contentsOf: child.standardError), as: UTF8.self))")
        }
        return String(decoding: try Data(contentsOf: child.standardOutput), as: UTF8.self)
    }
}
