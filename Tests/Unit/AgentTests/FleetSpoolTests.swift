// SPDX-License-Identifier: Apache-2.0
import Diagnosis
import Fleet
import Foundation
import Packets
import Testing

@testable import Agent

@Suite("The spool of the fleet's records")
struct FleetSpoolTests {
    private static let second: UInt64 = 1_000_000_000
    private static let now: UInt64 = 1_800_000_000 * second

    private func directory() -> String {
        NSTemporaryDirectory() + "rstwho-spool-\(UUID().uuidString)"
    }

    private func host(_ number: UInt32, at time: UInt64 = now) -> FleetRecord {
        .host(
            FleetHost(
                reporter: FleetReporter(agent: "fw1"), time: time, address: IPAddress(v4: 0x0a00_0000 + number), hop: 3)
        )
    }

    private func agent(at time: UInt64 = now) -> FleetRecord {
        .agent(FleetAgent(reporter: FleetReporter(agent: "fw1"), time: time, version: "0", boot: 1))
    }

    private func open(_ path: String, bytes: Int = 1 << 20, now: UInt64 = now) throws -> FleetSpool {
        try FleetSpool(path, bytes: bytes, age: 3600, now: now)
    }

    private func files(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    private func records(_ path: String) throws -> [FleetRecord] {
        try files(path).flatMap { SpoolFile.lines(of: "\(path)/\($0)")?.lines ?? [] }
            .compactMap { FleetRecord.decode($0) }
    }

    @Test("A batch has one kind of record, is unfinished until it is closed, and is read back")
    func batches() throws {
        let path = directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var spool = try open(path)
        try spool.append(host(1), now: Self.now)
        try spool.append(agent(), now: Self.now)
        #expect(try files(path).allSatisfy { $0.hasSuffix(".part") })
        try spool.closeAll(now: Self.now)
        let names = try files(path)
        #expect(names.count == 2)
        #expect(names.allSatisfy { $0.wholeMatch(of: /(agent|host)-[0-9a-f]{16}\.jsonl\.gz/) != nil })
        #expect(try records(path).count == 2)
        #expect(spool.account.rows == [.host: 1, .agent: 1])
        #expect(spool.account.dropped.isEmpty)
        #expect(spool.account.bytes > 0)
        #expect(spool.account.oldest == Self.now)
    }

    @Test("A full batch is closed at once")
    func full() throws {
        let path = directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var spool = try open(path)
        for number in 0..<UInt32(FleetSpool.rowLimit) + 1 { try spool.append(host(number), now: Self.now) }
        let names = try files(path)
        #expect(names.filter { $0.hasSuffix(".gz") }.count == 1)
        #expect(names.filter { $0.hasSuffix(".part") }.count == 1)
    }

    @Test(
        "What a run left unfinished is made whole, cut rows are counted",
        arguments: [(0, true), (1, true), (40, false), (200, false)])
    func recovery(cut: Int, isWhole: Bool) throws {
        let path = directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            var spool = try open(path)
            for number: UInt32 in 0..<50 { try spool.append(host(number), now: Self.now) }
            try spool.flush()
            // The process ends here: the open batch is neither closed nor discarded.
        }
        let part = try #require(try files(path).first)
        #expect(part.hasSuffix(".part"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(part)"))
        try bytes.dropLast(cut).write(to: URL(fileURLWithPath: "\(path)/\(part)"))
        let spool = try open(path)
        #expect(try files(path).allSatisfy { $0.hasSuffix(".gz") })
        let kept = try records(path).count
        #expect(isWhole ? kept == 50 : kept < 50)
        #expect(spool.account.dropped[.host, default: 0] == (isWhole ? 0 : 1))
    }

    @Test("Beyond the bound hosts give way before agents, and everything is counted")
    func bound() throws {
        let path = directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var spool = try open(path, bytes: 1)
        spool = try open(path, bytes: 6000)
        var appended: [FleetRecord.Kind: UInt64] = [:]
        for round: UInt64 in 0..<40 {
            let now = Self.now + round
            try spool.append(agent(at: now), now: now)
            for number: UInt32 in 0..<50 { try spool.append(host(UInt32(round) << 8 | number, at: now), now: now) }
            appended[.agent, default: 0] += 1
            appended[.host, default: 0] += 50
            try spool.closeAll(now: now)
            #expect(spool.account.bytes <= 6000)
        }
        let left = Dictionary(grouping: try records(path), by: \.kind).mapValues { UInt64($0.count) }
        for kind in [FleetRecord.Kind.agent, .host] {
            #expect(left[kind, default: 0] + spool.account.dropped[kind, default: 0] == appended[kind])
        }
        #expect(spool.account.dropped[.host, default: 0] > 0)
        #expect(left[.agent, default: 0] > 0)
    }

    @Test("What is too old goes, and what somebody has sent is noticed")
    func age() throws {
        let path = directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var spool = try open(path)
        try spool.append(host(1), now: Self.now)
        try spool.closeAll(now: Self.now)
        try spool.append(host(2), now: Self.now + 1000 * Self.second)
        try spool.closeAll(now: Self.now + 1000 * Self.second)
        spool.look(now: Self.now + 3601 * Self.second)
        #expect(spool.account.dropped == [.host: 1])
        #expect(try files(path).count == 1)
        try FileManager.default.removeItem(atPath: "\(path)/\(try #require(try files(path).first))")
        spool.look(now: Self.now + 3601 * Self.second)
        #expect(spool.account.bytes == 0)
        #expect(spool.account.dropped == [.host: 1])
    }

    @Test("Everything about a prefix is forgotten, and nothing else")
    func forget() throws {
        let path = directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var spool = try open(path)
        for number: UInt32 in 0..<20 { try spool.append(host(number), now: Self.now) }
        let prefix = try #require(IPPrefix("10.0.0.8/29"))
        #expect(try spool.forget(prefix, now: Self.now) == 8)
        let addresses = try records(path).compactMap { if case .host(let host) = $0 { host.address } else { nil } }
        #expect(addresses.count == 12)
        #expect(!addresses.contains { prefix.contains($0) })
        #expect(try files(path).count == 1)
    }

    @Test("A directory that is none, or that cannot be made, is told")
    func unusable() throws {
        let path = directory()
        try Data().write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: FleetSpoolError.self) { _ = try open(path) }
        #expect(throws: FleetSpoolError.self) { _ = try open("\(path)/below") }
    }

    @Test("Foreign files stay as they are")
    func foreign() throws {
        let path = directory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(path)/README"))
        var spool = try open(path, bytes: 1)
        spool.look(now: Self.now)
        #expect(try files(path) == ["README"])
        #expect(spool.account == FleetSpool.Account())
    }
}
