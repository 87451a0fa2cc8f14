// SPDX-License-Identifier: Apache-2.0
internal import Diagnosis

extension FindingSchema {
    /// The fields of `event`: connections that were reset together.
    static let eventFields: [Field<Finding.ResetEvent, Finding.ResetEvent>] = [
        Field(
            "end", .time, "the time of the last reset", .essential,
            value: { .text(Timestamp.text($0.end)) },
            read: { $1.end = try $0.value(String.self).flatMap { Timestamp.read($0) } ?? 0 }),
        Field(
            "hosts", .integer(WireBounds.count), "the hosts in whose name the resets came, at most 64", .essential,
            value: { .of($0.hosts) }, read: { $1.hosts = try $0.integer() ?? 1 }),
        Field(
            "hosts_heard_after", .integer(WireBounds.samples), "those of them that sent packets afterwards", .always,
            value: { .of($0.hostsHeardAfter) }, read: { $1.hostsHeardAfter = try $0.integer() ?? 0 }),
        Field(
            "seconds_since_earlier", .seconds, "the time since the event before began",
            value: { .of($0.secondsSinceEarlier, digits: 3) }, read: { $1.secondsSinceEarlier = try $0.decimal() }),
        Field(
            "hop", .integer(WireBounds.hop), "the hop of the device that sent the resets",
            value: { .of($0.hop) }, read: { $1.hop = try $0.integer() }),
        Field(
            "origin", .text, "its id", value: { .of($0.origin) }, read: { $1.origin = try $0.value() }),
        Field(
            "next_hop_mac", .text, "the next hop through which the resets came",
            value: { .of($0.nextHopMAC) }, read: { $1.nextHopMAC = try $0.value() }),
    ]
}
