// SPDX-License-Identifier: Apache-2.0
import Agent
import Diagnosis
import Synchronization
import Testing

@Suite struct FindingQueueTests {
    @Test func whatIsOfferedIsTakenInOrderOnce() {
        let wakes = Atomic(0)
        let queue = FindingQueue(capacity: 3, policy: .close) { wakes.add(1, ordering: .relaxed) }
        #expect(queue.offer([finding(1), finding(2)]))
        #expect(queue.take().findings.map(\.id) == [1, 2].map(findingID))
        #expect(queue.take().findings.isEmpty)
        #expect(wakes.load(ordering: .relaxed) == 1)
    }

    @Test func aFullQueueThatDropsCountsWhatItDropped() {
        let queue = FindingQueue(capacity: 3, policy: .drop) {}
        #expect(queue.offer((0..<5).map { finding($0) }))
        let taken = queue.take()
        #expect(taken.findings.map(\.id) == [0, 1, 2].map(findingID))
        #expect(taken.dropped == 2)
        #expect(!taken.isClosed)
        #expect(queue.take().dropped == 0)
    }

    @Test func aFullQueueThatClosesCutsItsReaderOff() {
        let queue = FindingQueue(capacity: 3, policy: .close) {}
        #expect(queue.offer((0..<3).map { finding($0) }))
        #expect(!queue.offer([finding(3)]))
        let taken = queue.take()
        #expect(taken.isClosed)
        #expect(taken.findings.isEmpty)
        #expect(!queue.offer([finding(4)]))
    }

    @Test func whatWaitedCanBeTakenAfterClosing() {
        let queue = FindingQueue(capacity: 3, policy: .close) {}
        queue.offer([finding(0)])
        queue.close()
        let taken = queue.take()
        #expect(taken.findings.count == 1)
        #expect(taken.isClosed)
    }
}
