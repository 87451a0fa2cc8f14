// SPDX-License-Identifier: Apache-2.0
import Agent
import ArgumentParser
import Diagnosis
import Glibc
import Packets
import Reporting

/// The options that select list items by address and time.
struct SelectionOptions: ParsableArguments {
    @Option(
        help: "Only items with this address.",
        transform: { text in
            guard let address = IPAddress(text) else { throw ValidationError("Give an IPv4 or IPv6 address.") }
            return address
        })
    var address: IPAddress?

    @Option(
        help: "Only items with an address in this prefix, such as 10.4.0.0/16.",
        transform: { text in
            guard let prefix = InsidePrefixes.Prefix(text) else {
                throw ValidationError("Give a prefix such as 10.0.0.0/8 or fc00::/7.")
            }
            return prefix
        })
    var prefix: InsidePrefixes.Prefix?

    @Option(
        help: ArgumentHelp(
            "Only items seen since: 03:00, 2h, 2026-11-21T03:00:00Z. In a capture, 2h counts back from its end.",
            valueName: "time"),
        transform: SelectionOptions.time)
    var since: TimePoint?

    @Option(
        help: ArgumentHelp("Only items seen until this time.", valueName: "time"), transform: SelectionOptions.time)
    var until: TimePoint?

    var span: TimeSpan { TimeSpan(since: since, until: until) }

    /// True where one of the addresses is wanted.
    func includes(_ addresses: some Sequence<IPAddress>) -> Bool {
        guard address != nil || prefix != nil else { return true }
        var hasAddress = address == nil
        var hasPrefix = prefix == nil
        for candidate in addresses {
            if candidate == address { hasAddress = true }
            if prefix?.contains(candidate) == true { hasPrefix = true }
        }
        return hasAddress && hasPrefix
    }

    @Sendable private static func time(_ text: String) throws -> TimePoint {
        guard let point = TimePoint(text) else { throw ValidationError(TimePoint.allowed) }
        return point
    }
}

/// The options that select resets by verdict.
struct VerdictOptions: ParsableArguments {
    @Option(
        help: "Only this port, by number or service name.",
        transform: { text in
            if let port = UInt16(text) { return port }
            guard let port = ServicePort.named(text) else {
                throw ValidationError("Give a port from 0 to 65535, or the name of a service such as ssh.")
            }
            return port
        })
    var port: UInt16?

    @Option(help: "Only resets of this sender.")
    var sender: Finding.Sender?

    @Option(help: "Only resets with this cause.")
    var cause: Finding.Cause?
}

extension Finding.Sender: ExpressibleByArgument {}
extension Finding.Cause: ExpressibleByArgument {}
