// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Foundation
import Packets
import Synchronization
import Testing

@Suite("What this machine knows of flows is asked beside the capture")
struct ConntrackLookupTests {
    private static func flow(_ port: UInt16) -> FiveTuple {
        FiveTuple(
            source: IPAddress(v4: 0x0a01_0001), sourcePort: port, destination: IPAddress(v4: 0x0a04_0002),
            destinationPort: 22)
    }

    private static func wait<Value>(_ take: () -> Value?) async throws -> Value? {
        // Only a failure waits as long as this.
        for _ in 0..<6000 {
            if let value = take() { return value }
            try await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }

    @Test("Answers come back with the counters of the moment, once")
    func answers() async throws {
        let readings = Atomic(0)
        let inquirer = ConntrackLookup(
            tracking: { $0.sourcePort == 1 ? .unknown : .absent },
            counters: {
                var counters = LocalCounters()
                counters.listenOverflows = UInt64(readings.add(1, ordering: .relaxed).newValue)
                return counters
            })
        #expect(inquirer.take().facts.isEmpty)
        inquirer.ask([Self.flow(1), Self.flow(2)], wantsCounters: false)
        var facts: [ForwardingFacts] = []
        _ = try await Self.wait {
            facts += inquirer.take().facts
            return facts.count == 2 ? true : nil
        }
        #expect(facts.map(\.tracking) == [.unknown, .absent])
        #expect(facts.map(\.flow) == [Self.flow(1), Self.flow(2)])
        #expect(facts.allSatisfy { $0.counters.listenOverflows == 1 })
        #expect(inquirer.take().facts.isEmpty)
    }

    @Test("The counters alone, where nothing is asked of flows")
    func counters() async throws {
        let inquirer = ConntrackLookup(tracking: { _ in .absent }, counters: { LocalCounters() })
        inquirer.ask([], wantsCounters: false)
        #expect(inquirer.take().counters == nil)
        inquirer.ask([], wantsCounters: true)
        let counters = try await Self.wait { inquirer.take().counters }
        #expect(counters == LocalCounters())
    }

    @Test("A flood of questions is cut at the capacity")
    func bounded() async throws {
        let gate = DispatchSemaphore(value: 0)
        let asked = Atomic(0)
        let begun = Atomic(false)
        let inquirer = ConntrackLookup(
            tracking: { _ in
                asked.add(1, ordering: .relaxed)
                return .absent
            },
            counters: {
                begun.store(true, ordering: .releasing)
                gate.wait()
                return LocalCounters()
            })
        inquirer.ask([Self.flow(0)], wantsCounters: false)
        // The first question has been taken: the capacity is that of those behind it.
        _ = try await Self.wait { begun.load(ordering: .acquiring) ? true : nil }
        for port in 1..<1000 as Range<UInt16> { inquirer.ask([Self.flow(port)], wantsCounters: false) }
        gate.signal()
        gate.signal()
        var count = 0
        _ = try await Self.wait {
            count += inquirer.take().facts.count
            return count == 129 ? true : nil
        }
        #expect(count == 129)
        #expect(asked.load(ordering: .relaxed) == 129)
    }
}
