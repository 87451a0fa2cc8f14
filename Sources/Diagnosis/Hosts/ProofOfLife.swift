// SPDX-License-Identifier: Apache-2.0
internal import CPacket
internal import Packets

/// The strength of an answer as a proof that its sender lives where it comes from.
///
/// Whoever sends both directions of a connection knows all its numbers: they prove that somebody answered, not who.
/// Where this machine forwards, the interfaces tell more. A sender on one side of it can put both directions on that
/// side's interface only, and cannot make a request leave by the interface that the answer comes from.
enum ProofOfLife: UInt8, Comparable {
    /// Both could have been sent by one third party.
    case none
    /// The request came by another interface, or it is not known which ways the two took (a tap, a file).
    case answered
    /// The request was made here or forwarded, and the answer came by the interface by which the request had left.
    case confirmed

    static func < (left: ProofOfLife, right: ProofOfLife) -> Bool { left.rawValue < right.rawValue }
}

/// The way by which one direction of a flow was last seen leaving this machine.
struct FlowExit: BitwiseCopyable {
    private var bits: UInt8 = 0

    private static let slotMask: UInt8 = 31
    private static let madeHere: UInt8 = 32

    /// The interface's slot; valid where packets left at all.
    var slot: UInt8 { bits & Self.slotMask }
    /// True where the newest packet was made here.
    var isMadeHere: Bool { bits & Self.madeHere != 0 }

    /// A packet that was made here leaves, or none of them is.
    @inline(__always)
    mutating func note(madeHere isMadeHere: Bool, slot: UInt8) {
        if isMadeHere {
            bits = slot & Self.slotMask | Self.madeHere
        } else if bits & Self.madeHere != 0 {
            bits &= ~Self.madeHere
        }
    }

    /// A forwarded packet leaves.
    mutating func note(forwardedBy slot: UInt8) { bits = bits & Self.madeHere | slot & Self.slotMask }
}

extension EngineContext {
    /// Returns what an answer proves that acknowledges a request of its flow.
    ///
    /// Both directions on one interface, of one VLAN or tunnel, prove nothing where this machine forwards: somebody on
    /// that side may have sent both.
    @inline(__always)
    func proof(
        of answer: UnsafePointer<PacketRecord>, in flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool,
        isLocal: Bool
    ) -> ProofOfLife {
        guard egressIsMarked else { return .answered }
        if isLocal { return .confirmed }
        return proof(ofArriving: answer, in: flow, sourceIsHigh: sourceIsHigh)
    }

    @inline(never)
    private func proof(
        ofArriving answer: UnsafePointer<PacketRecord>, in flow: UnsafeMutablePointer<FlowEntry>, sourceIsHigh: Bool
    ) -> ProofOfLife {
        let request = flow.side(isHigh: !sourceIsHigh)
        let exit = flow.pointee.exit(isHigh: !sourceIsHigh)
        let slot = answer.pointee.interfaceSlot
        if exit.isMadeHere { return group(of: exit.slot) == group(of: slot) ? .confirmed : .answered }
        let hasArrived = request.pointee.packets > 0
        if hasArrived, request.pointee.domain == answer.pointee.domain,
            group(of: request.pointee.interface) == group(of: slot)
        {
            // The ports of a bridge are one group, and packets cross it: in by one port, out by another.
            return request.pointee.hasLeft && request.pointee.interface != slot && exit.slot == slot
                ? .confirmed : .none
        }
        if request.pointee.hasLeft { return group(of: exit.slot) == group(of: slot) ? .confirmed : .answered }
        // A SYN or SYN-ACK that goes on is recorded on its way out: this one went nowhere. Of other packets that is
        // not known.
        return hasArrived && !(flow.pointee.key.isTCP && request.pointee.sentSYN) ? .answered : .none
    }
}
