// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// Judges whether this machine sent on what it was to forward.
///
/// It concludes only where a packet must have been seen leaving: where the kernel said that it dropped it, or where
/// packets of that direction, or to that destination, were seen leaving by a watched interface.
enum ForwardingJudge {
    /// A verdict on one direction of a flow.
    struct Conclusion {
        var watch: ForwardingWatch
        var direction: ForwardingDirection
        var evidence: [Evidence]
        var reason: Finding.Forwarding.Reason
    }

    /// Everything else that is known when a direction is suspicious.
    struct Surroundings {
        /// The kernel tells of each packet that it drops.
        var tellsDrops: Bool
        /// Packets of this very direction were seen leaving before.
        var hasLeft: Bool
        /// Packets to that destination were seen leaving lately, by the interface of this name.
        var destinationLeaves: Bool
        var interfaceOut: String?
        var interfaceIn: String?
    }

    /// Why nothing can be said of a direction of which packets are missing.
    enum Doubt: Sendable, Equatable {
        /// The packets were not this machine's to forward, by the kernel's reason.
        case notForwarding(String)
        /// The packets were too big for the next link, and their sender may hear of it.
        case tooBig
        /// Packets of this direction leave that did not arrive: their sequence numbers are changed here.
        case foreignNumbers
        /// Connection tracking changes the connection's sequence numbers.
        case adjustedSequence
        /// The kernel reports drops, and reported none.
        case noDropReported
        /// Nobody knows whether this machine translates the connection's addresses, and why, where that is known.
        case unknownTranslation(String?)
        /// Nothing shows that the interface is watched by which the packets would leave.
        case unwatchedInterface
    }

    /// A judgement on one direction of a flow.
    enum Judgement {
        case conclusion(Conclusion)
        /// Nothing can be said, for this reason.
        case doubt(Doubt)
    }

    /// Judges a direction of a watched flow of which packets are missing.
    static func judge(_ watch: ForwardingWatch, _ index: Int, _ surroundings: Surroundings) -> Judgement {
        let direction = watch.directions[index]
        if let doubt = doubt(watch, direction, surroundings) { return .doubt(doubt) }
        let reason = ForwardingEvidence.reason(watch, direction)
        return .conclusion(
            Conclusion(
                watch: watch, direction: direction,
                evidence: ForwardingEvidence.pieces(watch, direction, reason, surroundings), reason: reason))
    }

    /// Why nothing can be said of a direction of which packets are missing.
    private static func doubt(
        _ watch: ForwardingWatch, _ direction: ForwardingDirection, _ surroundings: Surroundings
    ) -> Doubt? {
        if let reason = direction.drop?.reason, ForwardingEvidence.isNotForwarding(reason) {
            return .notForwarding(reason)
        }
        if direction.drop?.reason == ForwardingEvidence.tooBig, !direction.isStubborn {
            return .tooBig
        }
        if direction.drop != nil { return nil }
        if direction.hasForeignNumbers {
            return .foreignNumbers
        }
        if case .tracked(let connection)? = watch.facts?.tracking, connection.adjustsSequence {
            return .adjustedSequence
        }
        if surroundings.tellsDrops { return .noDropReported }
        if !surroundings.hasLeft {
            switch watch.facts?.tracking {
            case nil: return .unknownTranslation(nil)
            case .unreadable(let problem)?: return .unknownTranslation(problem)
            default: break
            }
            if !surroundings.destinationLeaves {
                return .unwatchedInterface
            }
        }
        return nil
    }
}
