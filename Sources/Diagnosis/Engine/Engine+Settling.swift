// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The order in which the trackers settle what waits in them: findings come out in the order of their packets.
extension Engine {
    /// Settles what is due, and finds out when next something is: for packets whose time has come to `nextDue`.
    ///
    /// Whatever lets a tracker wait for something sets `nextDue` to 0.
    @inline(never)
    mutating func settleDue() {
        if firstDue <= context.now { settleAllDue() }
        context.nextDue = firstDue
    }

    /// The earliest that any tracker waits for, ns.
    private var firstDue: UInt64 {
        let due = min(resets.due(context), witnesses.pathChanges.due(context), icmp.due(context))
        return min(due, stalls.due, forwarding.due)
    }

    private mutating func settleAllDue() {
        witnesses.pathChanges.settle(&context)
        stalls.settle(&context, icmp, forwarding)
        resets.advance(&context, &witnesses)
        forwarding.settle(&context)
        while let next = resets.next(context) {
            icmp.settle(before: next, &context)
            resets.settleFirst(&context, &witnesses)
        }
        icmp.settle(&context)
    }

    /// Settles every reset and ICMP error that still waits.
    mutating func settlePending() {
        resets.advance(&context, &witnesses, all: true)
        while let next = resets.next {
            icmp.settle(before: next, &context)
            resets.settleFirst(&context, &witnesses)
        }
        witnesses.pathChanges.settle(&context, all: true)
        icmp.settleAll(&context)
    }
}
