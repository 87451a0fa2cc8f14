// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Numbers of slots that go round between two threads: one fills them in turn, the other empties them in the same
/// order.
///
/// Who has to wait sleeps until half of the slots are ready, so that a pair of threads of unequal speed does not wake
/// each other for each slot. It ends from either side: `close` says that nothing follows, `abandon` that nothing is
/// wanted.
final class SlotQueue: @unchecked Sendable {
    let slots: Int
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // Under the lock.
    private var filled = 0
    private var isClosed = false
    private var isAbandoned = false
    /// Slots that a sleeping thread waits for: that many filled, or that many free; 0 where nobody sleeps.
    private var awaitedFilled = 0
    private var awaitedFree = 0
    // Each belongs to one of the threads.
    private var nextToFill = 0
    private var nextToEmpty = 0

    init(slots: Int) {
        self.slots = slots
        pthread_mutex_init(lock, nil)
        pthread_cond_init(change, nil)
    }

    deinit {
        pthread_cond_destroy(change)
        pthread_mutex_destroy(lock)
        lock.deallocate()
        change.deallocate()
    }

    // MARK: The filling thread

    /// The slot to fill next, once it is free; `nil` where nothing more is wanted.
    func slotToFill() -> Int? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if filled == slots {
            awaitedFree = slots / 2
            while !isAbandoned, slots - filled < awaitedFree { pthread_cond_wait(change, lock) }
            awaitedFree = 0
        }
        return isAbandoned ? nil : nextToFill
    }

    /// Hands over the slot that `slotToFill` gave.
    func fill() {
        pthread_mutex_lock(lock)
        filled += 1
        let wakes = awaitedFilled > 0 && filled >= awaitedFilled
        pthread_mutex_unlock(lock)
        nextToFill = (nextToFill + 1) % slots
        if wakes { pthread_cond_signal(change) }
    }

    /// Says that nothing follows.
    func close() {
        pthread_mutex_lock(lock)
        isClosed = true
        pthread_mutex_unlock(lock)
        pthread_cond_signal(change)
    }

    // MARK: The emptying thread

    /// The slot to empty next, once it is filled; `nil` at the end.
    func slotToEmpty() -> Int? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if filled == 0 {
            awaitedFilled = slots / 2
            while !isClosed, filled < awaitedFilled { pthread_cond_wait(change, lock) }
            awaitedFilled = 0
        }
        return filled > 0 ? nextToEmpty : nil
    }

    /// Gives back the slot that `slotToEmpty` gave.
    func free() {
        pthread_mutex_lock(lock)
        filled -= 1
        let wakes = awaitedFree > 0 && slots - filled >= awaitedFree
        pthread_mutex_unlock(lock)
        nextToEmpty = (nextToEmpty + 1) % slots
        if wakes { pthread_cond_signal(change) }
    }

    /// Says that nothing more is wanted.
    func abandon() {
        pthread_mutex_lock(lock)
        isAbandoned = true
        pthread_mutex_unlock(lock)
        pthread_cond_signal(change)
    }
}
