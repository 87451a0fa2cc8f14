// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The interfaces to watch, selected by the requested names and patterns.
package struct InterfaceSelection: Sendable, Equatable {
    package var interfaces: [InterfaceInfo]
    /// The interfaces that a pattern matched and that are left out, a sentence each: duplicates of a chosen one, or
    /// unreadable frames.
    package var leftOut: [String]
    /// Names and patterns that nothing has or matches, where that is no error.
    package var missing: [String] = []

    /// Chooses from `available`.
    ///
    /// A name without `*`, `?` or `[` is taken as it is. A pattern (fnmatch(3)) never chooses the loopback interface,
    /// nor stacked interfaces together: of a bond or team and its members the bond stays, as its flows move between the
    /// members; of all else the lower one, which sees what the upper one does, tags and tunnel headers included.
    ///
    /// - `awaitsMissing`: true where what cannot be chosen now is no error but told in `missing` and `leftOut`.
    ///
    /// Throws `notFound` or `unavailable`, unless `awaitsMissing`.
    package init(
        _ wanted: [String], from available: [InterfaceInfo], awaitsMissing: Bool = false
    ) throws(CaptureError) {
        interfaces = []
        leftOut = []
        for name in wanted {
            let isPattern = Self.isPattern(name)
            let matches =
                isPattern
                ? available.filter { !$0.isLoopback && fnmatch(name, $0.name, 0) == 0 }
                : available.filter { $0.name == name }
            guard !matches.isEmpty else {
                if awaitsMissing {
                    missing.append(name)
                    continue
                }
                throw Self.unknown(name, isPattern: isPattern, available: available)
            }
            if isPattern, !awaitsMissing, !matches.contains(where: { $0.framing != nil }) {
                throw Self.notUnderstood(matches[0])
            }
            let understood = matches.filter { $0.framing != nil }
            for match in matches where !interfaces.contains(where: { $0.index == match.index }) {
                if isPattern || awaitsMissing, match.framing == nil {
                    leftOut.append(
                        "\(match.name) has frames of a kind (ARPHRD \(match.hardware)) that is not understood")
                } else if isPattern, let reason = Self.shadow(of: match, in: understood + interfaces) {
                    leftOut.append(reason)
                } else if match.framing == nil {
                    throw Self.notUnderstood(match)
                } else {
                    interfaces.append(match)
                }
            }
        }
        if awaitsMissing, interfaces.count > LiveCapture.maximumInterfaces {
            leftOut += interfaces[LiveCapture.maximumInterfaces...].map {
                "\($0.name) is not watched, as \(LiveCapture.maximumInterfaces) interfaces are"
            }
            interfaces.removeLast(interfaces.count - LiveCapture.maximumInterfaces)
        }
        guard interfaces.count <= LiveCapture.maximumInterfaces else {
            throw CaptureError(
                .unavailable, subject: wanted.joined(separator: " "),
                problem:
                    "these are \(interfaces.count) interfaces, and \(LiveCapture.maximumInterfaces) can be watched",
                advice: "Name those that matter")
        }
    }

    /// True for a name with a meaning of fnmatch(3).
    package static func isPattern(_ name: String) -> Bool { name.contains { "*?[".contains($0) } }

    /// Why `interface` is not chosen beside the others that match; `nil` if it may be.
    private static func shadow(of interface: InterfaceInfo, in matches: [InterfaceInfo]) -> String? {
        if let master = matches.first(where: { $0.index == interface.master }), isBond(master) {
            return "\(interface.name) is a member of \(master.name), which is watched"
        }
        if !isBond(interface), let member = matches.first(where: { $0.master == interface.index }) {
            return "\(interface.name) is a bridge over \(member.name), which is watched"
        }
        if let lower = matches.first(where: { $0.index == interface.lower }) {
            return "\(interface.name) stands on \(lower.name), which is watched"
        }
        return nil
    }

    private static func notUnderstood(_ interface: InterfaceInfo) -> CaptureError {
        CaptureError(
            .unavailable, subject: interface.name,
            problem: "frames of its kind (ARPHRD \(interface.hardware)) are not understood",
            advice: "Watch the interface that it stands on")
    }

    private static func isBond(_ interface: InterfaceInfo) -> Bool {
        interface.kind == "bond" || interface.kind == "team"
    }

    private static func unknown(_ name: String, isPattern: Bool, available: [InterfaceInfo]) -> CaptureError {
        let names = available.prefix(16).map(\.name).joined(separator: ", ")
        return CaptureError(
            .notFound, subject: name, problem: isPattern ? "no interface matches" : "there is no such interface",
            advice: "There are: \(names)\(available.count > 16 ? ", …" : "")", errno: ENODEV)
    }
}
